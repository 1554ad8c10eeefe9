"""Programs for processes, services, devices and accounts: one row a program."""

from policyloop.decide.programs.disks import disk
from policyloop.decide.programs.row import Row

ROWS = (
    Row(
        "true false : pwd date cal ncal uptime whoami id groups who w users hostname uname arch nproc tty "
        "locale printenv type which whereis "
        "whatis apropos man info help sleep wait yes seq expr bc dc factor jobs times ulimit umask getconf "
        "logname lscpu lsusb lspci "
        "lsmod free vmstat iostat mpstat sar ps pgrep pidof pstree top htop btop lsof ss netstat last lastlog "
        "uuidgen cowsay figlet fortune tput stty clear reset tset getopt getopts let numfmt sw_vers dmesg "
        "fc-list screenfetch neofetch dpkg-query logger notify-send say return break continue "
        "shift exit logout bg fg suspend caller enable compgen complete compopt bind dirs shopt set tilde mesg ",
        "",
        ".*",
        output="own",
        dashed=True,
    ),
    Row(
        "kill killall pkill killall5 skill xkill taskkill",
        "s|signal= l|list=? L|table n= e|exact g|"
        "process-group i|interactive q|quiet r|regexp "
        "u|user= v|verbose w|wait I o= y= f|full x|exact P|parent= t|terminal= G|group= U|uid= a|all p q|"
        "queue= 9 A B C D E F H K M N O Q R S T X Y Z "
        "echo newest oldest z V c d j k m b h",
        ".*",
        does="process-kill",
        never="list table l L",
        output="own",
    ),
    Row("fuser", "k|kill i m n= s v u a 4 6 M w 9", "L*", when={"kill": "process-kill"}, output="own"),
    Row(
        "shutdown reboot halt poweroff init telinit pm-suspend",
        "h r c f H P k a n q t w d l p no-wall no-wtmp force reboot halt poweroff show u i",
        ".*",
        does="system-stop",
        never="c k show w",
        output="own",
    ),
    Row("at batch", "f=R t= m M q= l d r v c V b", ".*", does="persistence", never="l c", output="own"),
    Row("atq atrm anacron", "n f u s t= d S=R T V q=", ".*", output="own"),
    Row(
        "update-rc.d chkconfig rc-update insserv",
        "f add= del= list level=",
        ".*",
        does="persistence",
        never="list",
        output="own",
    ),
    Row(
        "useradd adduser usermod userdel deluser groupadd groupmod groupdel gpasswd chpasswd passwd chsh "
        "chfn newusers visudo dseditgroup dscl",
        "a|append G|groups= g|gid= u|uid= m|create-home M r|remove|system s|shell= d|home= c|comment= p|"
        "password= l|login= L U|unlock e|expiredate= "
        "f|force|file= A= D k= o n R= S|status q x i w b system disabled-password gecos= ingroup= home= "
        "shell= no-create-home",
        ".*",
        does="privilege",
        never="S status",
        output="own",
    ),
    Row(
        "iptables ip6tables nft ufw firewall-cmd pfctl ebtables",
        "A= D= I= F=? L=? X=? P= s= d= p= j= t= i= "
        "o= n v f=R a c e line-numbers permanent "
        "add-port= add-service= remove-port= reload list-all state zone= dport= sport= m= N= S=? h E",
        ".*",
        does="security-off",
        never="L S list-all state",
        output="own",
    ),
    Row(
        "setenforce aa-disable aa-teardown aa-complain spctl csrutil auditctl",
        "e= D R= l s w= p= k= a= d= master-disable master-enable status assess v t= global-disable",
        ".*",
        does="security-off",
        never="l s status assess",
        output="own",
    ),
    Row(
        "mkfs mkfs.ext2 mkfs.ext3 mkfs.ext4 mkfs.xfs mkfs.btrfs mkfs.vfat mkfs.fat mkfs.ntfs mkfs.exfat "
        "mke2fs mkswap mkdosfs mkntfs newfs newfs_apfs "
        "newfs_hfs mkfs.f2fs mkfs.erofs mkfs.minix bcachefs",
        "t|type= L|label= F|force f n q v|verbose m= "
        "b= O= E= i= N= U= c V d= l= s= K M T= C= "
        "dry-run I= g= G= J= j o= r= D S= R a h u= w Q",
        "W .*",
        does="disk-write",
        never="n dry-run V",
        output="own",
    ),
    Row(
        "wipefs",
        "a|all b|backup f|force i|noheadings J|json n|no-act o|offset= O|output= p|parsable q|quiet t|types= lock=? V",
        "L*",
        when={"all": "disk-write", "offset": "disk-write"},
        instead={"all": "W*", "offset": "W*"},
        never="no-act",
        output="own",
    ),
    Row(
        "fdisk cfdisk gdisk cgdisk sgdisk sfdisk parted partprobe",
        "l|list s|script b= B|backup=W c|color=? "
        "n|new=|no-act o|clear|output= p|print t|typecode= "
        "u w|wipe= x z|zap|append Z|zap-all d|delete=?|dump D e|color F|force|list-free f g G i|info= L N|"
        "partno= a|align=|append V|verify A= "
        "activate bytes delete=? dump list list-free reorder relocate= show-size list-types verify no-reread "
        "no-tell-kernel no-act m v q J",
        "W .*",
        does="disk-write",
        never="list list-free print verify info no-act dump show-size list-types l",
        output="own",
    ),
    Row(
        "blkdiscard hdparm nvme sg_format badblocks debugfs tune2fs resize2fs e2fsck fsck fsck.ext4 "
        "xfs_repair btrfs cryptsetup dmsetup mdadm zpool zfs "
        "losetup swapoff swapon partx growpart diskutil hdiutil lvm lvremove lvreduce lvresize lvconvert "
        "vgremove vgreduce pvremove pvcreate vgcreate "
        "lvcreate vgcfgrestore pvmove lvchange vgchange dmraid kpartx",
        "",
        ".*",
        run=disk,
        output="own",
    ),
    Row(
        "mount",
        "t|types= o|options= a|all r|read-only w|rw n|no-mtab v|verbose B|bind R|rbind M|move L= U= "
        "l T=R f|fake i s N= O= m mkdir=? "
        "make-private make-shared source= target= loop",
        "R W",
        does="privilege",
        never="l fake",
        output="own",
    ),
    Row(
        "umount",
        "a|all f|force l|lazy r|read-only t|types= v|verbose R|recursive d n O= A c q i N=",
        "L*",
        does="",
        output="own",
    ),
    Row(
        "insmod modprobe rmmod kmod depmod kexec",
        "r|remove a|all f|force n|dry-run v|verbose q l e u p C=I d= S= D c s i w",
        "R*",
        does="privilege",
        never="dry-run n D c",
        output="own",
    ),
    Row(
        "sysctl",
        "a|all w|write p|load=?R system n e N q r= A b X",
        ".*",
        when={"write": "security-off", "load": "security-off"},
        output="own",
    ),
    Row(
        "ip ifconfig route arp ethtool iw nmcli networksetup resolvectl scutil hostnamectl timedatectl localectl",
        "4 6 o br s d j h a b n c r t f= brief json",
        ".*",
        output="own",
        dashed=True,
    ),
    Row(
        "dig host nslookup drill whois",
        "4 6 a C d i l m n q r s t= c= b= k=R f=R p= x= y= T v w W= R= N= h= D O u= V U",
        "H .*",
        output="own",
    ),
    Row(
        "ping ping6 traceroute tracepath mtr arping fping",
        "4 6 c= i= w= W= n q s= t= m= "
        "f v p= b= k= x= r a d D I= A= B= "
        "short trace T= h= l M= O P R S= U u V y= z E G H J K N e= g= j o X Z C",
        "H .*",
        dashed=False,
        output="own",
    ),
    Row("nmap masscan zmap", "p= s= A O v n P= T= o= iL= script= open F Pn sV sS sn", "H*", dashed=True, output="own"),
    Row(
        "wall mail mailx sendmail mutt msmtp swaks",
        "s= a=R r= c= b= t e i n f= v A= S= q=R E x B d ~ attach=R server= to= from= body=R",
        ".*",
        output="own",
    ),
    Row(
        "xclip xsel pbcopy wl-copy clip", "i o selection= b p s sel= l= t= n in out c", ".*", output="own", dashed=True
    ),
    Row("pbpaste wl-paste", "", ".*"),
    Row(
        "open xdg-open start explorer",
        "a= b= e t f F W R n g j h s= u= args env= stdin= stdout= stderr=",
        "R*",
        output="own",
    ),
    Row("defaults launchctl", "", ".*", does="persistence", output="own", dashed=True),
    Row("ldconfig", "v n N X f=R C=W r= l p c= i", ".*", does="privilege", never="p", output="own"),
    Row(
        "update-alternatives alternatives",
        "install= slave= remove= config= display= list= auto= set= verbose quiet",
        ".*",
        does="persistence",
        never="display list",
        output="own",
    ),
    Row(
        "localedef locale-gen dpkg-reconfigure update-initramfs update-grub grub-install grub-mkconfig "
        "efibootmgr bootctl bless",
        "",
        ".*",
        does="persistence",
        output="own",
        dashed=True,
    ),
    Row("rfkill udevadm", "", ".*", output="own", dashed=True),
)
