"""Programs for files and texts: one row a program."""

from policyloop.decide.programs.row import Row

_QUIET = "q|quiet|silent v|verbose z|zero-terminated"

ROWS = (
    # Files
    Row(
        "rm",
        "r|R|recursive f|force i I interactive=? d|dir v|verbose preserve-root=? no-preserve-root "
        "one-file-system P x W",
        "D*",
        when={"recursive": "recursive-delete"},
        output="own",
    ),
    Row("unlink", "", "D", output="own"),
    Row("rmdir", "p|parents v|verbose ignore-fail-on-non-empty", "D*", output="own"),
    Row(
        "shred",
        "f|force n|iterations= random-source=R s|size= u remove=? v|verbose x|exact z|zero",
        "WD*",
        output="own",
    ),
    Row(
        "srm wipe trash trash-put rip gio-trash",
        "r|R|recursive f|force i v|verbose z d= s",
        "D*",
        when={"recursive": "recursive-delete"},
        output="own",
    ),
    Row(
        "mv",
        "f|force i|interactive n|no-clobber u|update=? v|verbose b backup=? S|suffix= t|"
        "target-directory=W T|no-target-directory "
        "strip-trailing-slashes Z exchange no-copy debug h",
        "RD* W",
        instead={"target-directory": "RD*"},
        copies=True,
        output="own",
    ),
    Row(
        "cp gcp",
        "a|archive f|force i|interactive r|R|recursive u|update=? n|no-clobber v|verbose b "
        "backup=? S|suffix= p preserve=? "
        "no-preserve= t|target-directory=W T|no-target-directory l|link s|symbolic-link L|dereference P|"
        "no-dereference H d x|one-file-system "
        "parents remove-destination sparse= reflink=? strip-trailing-slashes attributes-only Z context=? c X "
        "debug keep-directory-symlink",
        "R* W",
        instead={"target-directory": "R*"},
        copies=True,
        output="own",
    ),
    Row(
        "ln",
        "s|symbolic f|force i|interactive n|no-dereference v|verbose r|relative b backup=? S|suffix= t|"
        "target-directory=W "
        "T|no-target-directory L|logical P|physical d F|directory h w",
        "R* W",
        instead={"target-directory": "R*"},
        copies=True,
        output="own",
    ),
    Row("link", "", "R W", copies=True, output="own"),
    Row(
        "install ginstall",
        "d|directory m|mode= o|owner= g|group= D b backup=? S|suffix= t|"
        "target-directory=W T|no-target-directory v|verbose "
        "p|preserve-timestamps s|strip strip-program= C|compare c Z context=?",
        "R* W",
        instead={"target-directory": "R*", "directory": "W*"},
        copies=True,
        output="own",
    ),
    Row("touch", "a c|no-create d|date= m r|reference=R t= h|no-dereference time= f", "P*", output="own"),
    Row("mkdir", "p|parents m|mode= v|verbose Z context=?", "W*", output="own"),
    Row("mkfifo mknod", "m|mode= Z context=?", "W .*", output="own"),
    Row("mktemp", "d|directory u|dry-run q|quiet suffix= p|tmpdir=? t", ".*", output="own"),
    Row("truncate", "c|no-create o|io-blocks r|reference=R s|size=", "W*", output="own"),
    Row(
        "fallocate",
        "l|length= o|offset= n|keep-size p|punch-hole d|dig-holes c|collapse-range z|zero-range "
        "i|insert-range x|posix v|verbose",
        "W",
        output="own",
    ),
    Row(
        "split csplit",
        "a|suffix-length= b|bytes= C|line-bytes= d numeric-suffixes=? e|elide-empty-files "
        "filter=C l|lines= n|number= "
        "t|separator= u|unbuffered x hex-suffixes=? f|prefix= k|keep-files s|quiet z additional-suffix= verbose",
        "R W",
        output="own",
    ),
    Row(
        "chmod",
        "R|recursive v|verbose c|changes f|silent|quiet reference=R preserve-root no-preserve-root "
        "h H L P dereference no-dereference "
        "r w x X s t u g o a",
        ". P*",
        does="permission-change",
        instead={"reference": "P*"},
        output="own",
    ),
    Row(
        "chown chgrp",
        "R|recursive v|verbose c|changes f|silent|quiet reference=R h|no-dereference "
        "dereference from= preserve-root "
        "no-preserve-root H L P x",
        ". P*",
        does="permission-change",
        instead={"reference": "P*"},
        output="own",
    ),
    Row(
        "setfacl",
        "m|modify= M|modify-file=R x|remove= X|remove-file=R b|remove-all k|remove-default R|"
        "recursive d|default n mask "
        "L|logical P|physical restore=R set= set-file=R test",
        "P*",
        does="permission-change",
        never="test",
        output="own",
    ),
    Row("chattr chflags", "R V f v= p= h H L P", ". P*", does="permission-change", output="own"),
    Row(
        "xattr setfattr",
        "d l p w r s v x c h n|name= v|value= x|remove= restore=R",
        ".* P",
        does="permission-change",
        output="own",
    ),
    Row("setcap", "q v r n= f", ". P", does="permission-change privilege", output="own"),
    Row(
        "file",
        "b|brief C|compile c|checking-printout d|debug e|exclude= exclude-quiet= E extension f|files-from=R "
        "F|separator= h|no-dereference i|mime I mime-type mime-encoding k|keep-going l|list L|dereference "
        "m|magic-file=R N|no-pad n|no-buffer p|preserve-date P|parameter= r|raw s|special-files S|no-sandbox "
        "v|version 0|print0 z|uncompress Z|uncompress-noreport apple",
        "L*",
    ),
    Row(
        "stat wc md5sum sha1sum sha224sum sha256sum sha384sum sha512sum b2sum cksum sum md5 shasum "
        "readlink realpath du lsattr getfacl "
        "getfattr namei test [ basename dirname pathchk",
        "a|all b|brief|bytes c|check|format= d|data-length=? e f|file-system h|human-readable i|mime I k L|"
        "dereference l|lines m|chars q|quiet "
        "s|summarize|status t|terse|threshold= w|words|warn x|one-file-system z|zero D E|exclude= S printf= "
        "max-depth= mime-type "
        "mime-encoding total= time=? inodes si apparent-size count-links exclude-from=R files0-from=R "
        "files-from=R tag strict ignore-missing "
        "algorithm= canonicalize canonicalize-existing canonicalize-missing relative-to= relative-base= "
        "strip no-symlinks n o p r u v Z "
        "suffix= multiple separate-dirs C H P 0 R",
        "L*",
        output="own",
    ),
    Row(
        "ls dir vdir exa eza lsd tree",
        "a|all A|almost-all b|escape c C d|directory f F|classify=? g G h|"
        "human-readable H i I|ignore= k l L m n N "
        "o p P= q Q r|reverse R|recursive s|size S t T|tabsize=? u U v w|width= x X 1 color=? colour=? "
        "group-directories-first full-time sort= time= "
        "time-style= hide= author file-type format= indicator-style= si zero long tree level= icons=? git "
        "no-user no-time no-permissions "
        "no-filesize header Z context dereference hyperlink=? git-ignore gitignore dirsfirst noreport prune "
        "matchdirs e W D y O @ % du",
        "L*",
        output="own",
    ),
    Row(
        "df mount-list lsblk blkid findmnt",
        "a|all h|human-readable H i|inodes k l|local m n o|output=? p P "
        "t|type= T|print-type x|exclude-type= "
        "f|fs J|json b|bytes r|raw e|exclude= I|include= s|source= d S|target= N|task= total si sync v 1 c= u z Z R",
        ".*",
        output="own",
    ),
    # Texts
    Row(
        "tac nl rev",
        "A|show-all b|number-nonblank|before e E|show-ends n|number s|squeeze-blank|separator= "
        "t T|show-tabs u v|show-nonprinting "
        "r|regex h= i= l= p w= d= f=",
        "R*",
    ),
    Row(
        "head tail ghead gtail",
        "c|bytes= n|lines= q|quiet|silent v|verbose z|zero-terminated f follow=? F "
        "s|sleep-interval= pid= retry "
        "max-unchanged-stats= r b=",
        "R*",
    ),
    Row(
        "more less most pg",
        "a b= B c C d D= e E f F|quit-if-one-file g G h= i I j= J k|lesskey-file=I K L m M n N o|log-file=W O=W p|"
        "pattern= P= q Q r R|RAW-CONTROL-CHARS s|squeeze S|chop-long-lines t= T=R u U V w W x= X y= z= 1 2 lines= "
        "number=? line-numbers use-color mouse follow-name",
        "R*",
    ),
    Row(
        "bat batcat",
        "a|all A|show-all b B c|clean-print d e E f|force|no-pause F|"
        "quit-if-one-file g G i I j J k|lesskey-file=I "
        "K l L m M n|lines=|number=? N o|log-file=W O=W p|plain|pattern=? P= q Q r R|RAW-CONTROL-CHARS s|"
        "squeeze S|chop-long-lines t= T=R u|unbuffered "
        "U V w W x= X y= z= h= 1 2 paging= style= language= theme= color= line-range= highlight-line= wrap= "
        "pager=C decorations= tabs= number "
        "theme-dark= theme-light= diff list-themes list-languages no-pager",
        "R*",
    ),
    Row(
        "grep egrep fgrep ggrep zgrep zegrep bzgrep xzgrep",
        "A|after-context= B|before-context= C|context= E|extended-regexp F|fixed-strings G|basic-regexp P|"
        "perl-regexp a|text b|byte-offset "
        "c|count color=? colour=? D|devices= d|directories= e|regexp= exclude= exclude-dir= exclude-from=R f|"
        "file=R H|with-filename "
        "h|no-filename I include= i|y|ignore-case no-ignore-case L|files-without-match l|files-with-matches "
        "m|max-count= n|line-number "
        "o|only-matching q|quiet|silent R|dereference-recursive r|recursive s|no-messages T|initial-tab U|"
        "binary u u|unix-byte-offsets "
        "v|invert-match w|word-regexp x|line-regexp Z|null z|null-data label= line-buffered binary-files= "
        "no-group-separator group-separator= p S O X",
        ". R*",
        instead={"regexp": "R*", "file": "R*"},
    ),
    Row(
        "rg",
        "A|after-context= B|before-context= C|context= a|text b|byte-offset c|count count-matches "
        "color= colors= e|regexp= F|fixed-strings "
        "f|file=R g|glob= iglob= H|with-filename I|no-filename i|ignore-case l|files-with-matches "
        "files-without-match L|follow M|max-columns= "
        "m|max-count= N|no-line-number n|line-number o|only-matching P|pcre2 p|pretty q|quiet r|replace= S|"
        "smart-case s|case-sensitive "
        "t|type= T|type-not= U|multiline u|unrestricted v|invert-match w|word-regexp x|line-regexp z|"
        "search-zip 0|null hidden no-ignore "
        "no-ignore-vcs no-ignore-parent no-ignore-global no-ignore-dot no-ignore-files no-messages "
        "no-heading heading j|threads= d|max-depth= sort= sortr= json stats trim vimgrep "
        "column passthru pre=C pre-glob= ignore-file=R files type-list type-add= max-filesize= "
        "one-file-system multiline-dotall line-buffered "
        "no-config debug crlf null-data engine= E|encoding= context-separator= hyperlink-format= . no-hidden",
        ". R*",
        instead={"regexp": "R*", "file": "R*", "files": "L*"},
    ),
    Row(
        "ag ack",
        "A|after= B|before= C|context= G|file-search-regex= i|ignore-case l|files-with-matches L|"
        "files-without-matches c|count w|word-regexp "
        "Q|literal v|invert-match S|smart-case s n|norecurse H a|all-types u|unrestricted g= hidden ignore= "
        "ignore-dir= nocolor color nogroup group "
        "column o|only-matching m|max-count= U r R k t p|path-to-ignore=R python js type= pager=C no-color match=",
        ". R*",
        instead={"g": "L*"},
    ),
    Row(
        "sort gsort",
        "b|ignore-leading-blanks d|dictionary-order f|ignore-case g|general-numeric-sort i|"
        "ignore-nonprinting M|month-sort "
        "h|human-numeric-sort n|numeric-sort R|random-sort random-source=R r|reverse sort= V|version-sort "
        "batch-size= c|check=? C "
        "compress-program=C debug files0-from=R k|key= m|merge o|output=W s|stable S|buffer-size= t|"
        "field-separator= T|temporary-directory=W "
        "parallel= u|unique z|zero-terminated",
        "R*",
    ),
    Row(
        "uniq",
        "c|count d|repeated D all-repeated=? f|skip-fields= group=? i|ignore-case s|skip-chars= u|"
        "unique z|zero-terminated "
        "w|check-chars=",
        "R W",
    ),
    Row(
        "cut paste join comm fold fmt expand unexpand column pr od xxd hexdump hd strings iconv tsort shuf "
        "ptx look colrm nkf dos2unix-c jo",
        "b|bytes= c|characters=? d|delimiters=|delimiter= f|fields= n s|only-delimited|serial complement "
        "output-delimiter= z|zero-terminated "
        "a= e= i I t= v= 1= 2= j= o= header check-order nocheck-order w|width= u l= p|plain r|revert|reverse "
        "A|address-radix= j N= x C "
        "skip-bytes= read-bytes= format= separator= t|table output= from-code= to-code= input-range= "
        "head-count=? repeat random-source=R "
        "echo tabs= initial first-only g= h D= R T F S= E autoskip len= seek= cols= include bits uppercase "
        "encoding= bytes total=",
        "R*",
    ),
    Row("tr", "c|C|complement d|delete s|squeeze-repeats t|truncate-set1 u", ".*"),
    Row(
        "diff colordiff cmp sdiff diff3 wdiff vimdiff icdiff",
        "a|text b|ignore-space-change B|"
        "ignore-blank-lines c C|context=? d|minimal e|ed E "
        "F|show-function-line= i|ignore-case I|ignore-matching-lines= l|paginate L|label= n|rcs N|new-file p|"
        "show-c-function P q|brief r|recursive "
        "s|report-identical-files S|starting-file= t|expand-tabs T u U|unified=? v|version w|"
        "ignore-all-space W|width= x|exclude= X|exclude-from=R "
        "y|side-by-side Z color=? from-file=R to-file=R suppress-common-lines strip-trailing-cr "
        "no-dereference verbose bytes= print-bytes "
        "o=W normal left-column horizon-lines= speed-large-files tabsize= ignore-file-name-case D|ifdef= A m 3 1 2",
        "R*",
    ),
    Row(
        "patch",
        "p|strip= i|input=R R|reverse N|forward E b|backup o|output=W d|directory=W dry-run s|"
        "silent f|force t|batch l u F|fuzz= "
        "r|reject-file=W verbose posix merge=? B= z= V= Y= g= no-backup-if-mismatch binary",
        "W R",
        does="",
        never="dry-run",
        output="own",
    ),
    Row(
        "jq yq gojq jaq xq dasel fx",
        "c|compact-output r|raw-output R|raw-input s|slurp S|sort-keys n|"
        "null-input e|exit-status a|ascii-output "
        "j|join-output f|from-file=R arg= argjson= slurpfile= rawfile= args jsonargs C|color-output M|"
        "monochrome-output tab indent= L=I "
        "stream seq unbuffered i|inplace P|prettyPrint p|input-format= o|output-format= y|yaml-output Y I N|"
        "no-doc w d D 0 raw-output0",
        ". R*",
        instead={"from-file": "R*", "inplace": ". RW*"},
    ),
    Row(
        "gzip gunzip zcat gzcat bzip2 bunzip2 bzcat xz unxz xzcat lzma zstd unzstd zstdcat pigz lz4 brotli "
        "compress uncompress",
        "c|stdout|to-stdout d|decompress|uncompress f|force k|keep l|list n|no-name N|name q|quiet r|"
        "recursive S|suffix= t|test v|verbose "
        "1 2 3 4 5 6 7 8 9 e|extreme T|threads= o=W p= rm z|compress fast best a L D=R h H i R rsyncable s M "
        "ultra level= output-dir-flat=W long=?",
        "RWD*",
        instead={"stdout": "R*", "keep": "RW*", "list": "R*", "test": "R*"},
    ),
    Row("dos2unix unix2dos", "b k|keepdate n|newfile o|oldfile q|quiet s f|force c= i=?", "RW*", output="own"),
)
