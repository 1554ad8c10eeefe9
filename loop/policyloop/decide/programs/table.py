"""Every program that we know, by name."""

from functools import cache

from policyloop.decide.programs import archives, find, interpreters, network, others, scripts, texts, verbs, wrappers
from policyloop.decide.programs.git import git
from policyloop.decide.programs.row import Row
from policyloop.decide.programs.table_files import ROWS as FILES
from policyloop.decide.programs.table_system import ROWS as SYSTEM
from policyloop.decide.programs.table_verbs import by_name
from policyloop.decide.scene import Run

_OWN: dict[str, Run] = {
    "git hub": git,
    "cat gcat": texts.cat,
    "tee": texts.tee,
    "echo": texts.echo,
    "printf": texts.printf,
    "base64 base32 basenc gbase64": texts.base,
    "tr rev": texts.translated,
    "xxd": texts.hexdump,
    "read mapfile readarray": texts.read,
    "sed gsed": scripts.sed,
    "awk gawk mawk nawk": scripts.awk,
    "find gfind": find.find,
    "fd fdfind": find.fd,
    "tar gtar bsdtar": archives.tar,
    "zip 7z 7za 7zz rar unrar": archives.zipped,
    "unzip": archives.unzipped,
    "cpio pax": archives.cpio,
    "curl": network.curl,
    "wget wget2": network.wget,
    "http https xh xhs aria2c axel lynx w3m links elinks fetch ftp tftp lwp-request GET POST": network.fetch,
    "nc ncat netcat nc.traditional nc.openbsd telnet": network.netcat,
    "socat": network.socat,
    "ssh slogin autossh mosh sshpass-ssh": network.ssh,
    "scp rsync sftp": network.scp,
    "mail mailx sendmail mutt msmtp swaks": network.mail,
    "dd gdd": others.dd,
    "openssl": others.openssl,
    "gpg gpg2": others.gpg,
    "rename mmv prename": others.rename,
    "cc gcc g++ clang clang++ c++ ld as nm objdump readelf size strip objcopy ar ranlib patchelf "
    "install_name_tool codesign chrpath rustc javac gfortran nvcc": others.compiler,
    "vim vi nvim view ex ed nano emacs emacsclient pico joe micro code subl gedit kate ne mcedit hx": others.editor,
    "yes seq jot": others.quiet,
    "pwd": others.here,
    "mktemp gmktemp": others.temporary,
    "basename dirname": others.names,
    "xargs gxargs": wrappers.xargs,
}


@cache
def runs() -> dict[str, Run]:
    """Programs with a function of their own: wrappers, shells, families."""
    table: dict[str, Run] = dict.fromkeys(by_name(), verbs.verbs)
    table.update(dict.fromkeys(interpreters.INTERPRETERS, interpreters.interpreter))
    table.update(dict.fromkeys(interpreters.SHELLS, interpreters.shell))
    table.update({name: run for names, run in _OWN.items() for name in names.split()})
    table.update({name: wrappers.unwrapped for name in wrappers.names() if "xargs" not in name})
    return table


@cache
def rows() -> dict[str, Row]:
    """Programs with a row."""
    return {name: row for row in (*FILES, *SYSTEM) for name in row.names.split()}
