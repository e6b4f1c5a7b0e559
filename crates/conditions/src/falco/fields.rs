//! The fields of Falco's filters: what kind of value each has, and how it may be used.

/// What kind of value a field has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the words say it")]
pub enum Kind {
    Text,
    Bool,
    I16,
    I32,
    I64,
    U32,
    U64,
    /// A whole number in filters; the values of some are fractions.
    Double,
    /// A port's number, or the name of its service.
    Port,
    /// Nanoseconds since 1970.
    Time,
    /// Nanoseconds.
    Span,
    /// An address of version 4 or 6.
    Address,
    /// An address; what it is compared with are networks.
    Network,
    /// Bytes.
    Bytes,
    /// Whatever the event has there.
    Any,
}

impl Kind {
    /// Whether its values are numbers.
    #[must_use]
    pub const fn is_number(self) -> bool {
        !matches!(self, Self::Text | Self::Bool | Self::Address | Self::Network | Self::Bytes | Self::Any)
    }

    /// The kind in a sentence: "is ...".
    pub(super) const fn phrase(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Bool => "true or false",
            Self::Port => "a port",
            Self::Time => "a time in nanoseconds",
            Self::Span => "a duration in nanoseconds",
            Self::Address => "an IP address",
            Self::Network => "an IP address in a network",
            Self::Bytes => "bytes",
            Self::Any => "anything",
            Self::I16 | Self::I32 | Self::I64 | Self::U32 | Self::U64 | Self::Double => "a number",
        }
    }
}

/// Whether `[...]` stands behind a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the words say it")]
pub enum ArgumentUse {
    None,
    Allowed,
    Required,
}

/// What is known of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldKind {
    /// The kind of its values.
    pub kind: Kind,
    /// Whether it has several.
    pub is_list: bool,
    /// Whether it takes an argument.
    pub argument: ArgumentUse,
    /// Whether it may stand on the right of an operator, and have something else than a value there.
    pub on_right: bool,
    /// Whether transformers take it.
    pub is_transformable: bool,
}

/// What is known of the field `name`, or nothing where Falco has none of that name.
///
/// Beside Falco's own these are the fields of its container plugin and those that profiles add.
///
/// ```
/// use lanner_conditions::falco::{Kind, kind_of};
/// assert_eq!(kind_of("proc.name").unwrap().kind, Kind::Text);
/// assert!(kind_of("proc.nmae").is_none());
/// ```
#[must_use]
pub fn kind_of(name: &str) -> Option<FieldKind> {
    let listed = |name: &str| GROUPS.iter().find(|group| group.has(name)).map(|group| group.kind);
    listed(name).or_else(|| {
        // `evt.arg.res` is `evt.arg[res]`.
        let (start, _) = WITH_SUFFIX.iter().find_map(|start| Some((start, name.strip_prefix(start)?)))?;
        listed(start.trim_end_matches('.')).map(|kind| FieldKind { argument: ArgumentUse::None, ..kind })
    })
}

/// All names of fields.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    GROUPS.iter().flat_map(|group| group.names.split_ascii_whitespace())
}

/// Fields whose argument may also stand behind a dot.
const WITH_SUFFIX: [&str; 6] =
    ["evt.arg.", "evt.rawarg.", "evt.abspath.", "thread.cgroup.", "k8s.pod.label.", "container.label."];

/// Fields of which the same is known.
struct Group {
    kind: FieldKind,
    names: &'static str,
}

impl Group {
    const fn of(kind: Kind, names: &'static str) -> Self {
        let argument = ArgumentUse::None;
        Self {
            kind: FieldKind { kind, is_list: false, argument, on_right: true, is_transformable: true },
            names,
        }
    }

    const fn with_argument(mut self, argument: ArgumentUse) -> Self {
        self.kind.argument = argument;
        self
    }

    const fn list(mut self) -> Self {
        self.kind.is_list = true;
        self
    }

    const fn never_right(mut self) -> Self {
        self.kind.on_right = false;
        self
    }

    /// Neither on the right nor in a transformer.
    const fn only_on_the_left(mut self) -> Self {
        self.kind.is_transformable = false;
        self.never_right()
    }

    fn has(&self, name: &str) -> bool {
        self.names.split_ascii_whitespace().any(|known| known == name)
    }
}

#[rustfmt::skip]
const GROUPS: &[Group] = &[
    Group::of(Kind::U64, "\
        evt.num evt.latency.quantized evt.buflen evt.buflen.in evt.buflen.out evt.buflen.file evt.buflen.file.in \
        evt.buflen.file.out evt.buflen.net evt.buflen.net.in evt.buflen.net.out proc.cmdnargs proc.cmdlenargs \
        proc.pidns_init_start_ts proc.fdopencount proc.vmsize proc.vmrss proc.vmswap thread.pfmajor thread.pfminor \
        proc.nthreads proc.nchilds thread.vmsize thread.vmrss thread.vmsize.b thread.vmrss.b util.cnt"),
    Group::of(Kind::Text, "\
        evt.time evt.time.s evt.time.iso8601 evt.datetime evt.datetime.s evt.pluginname evt.plugininfo evt.source \
        evt.asynctype evt.hostname evt.latency.human evt.outputtime evt.dir evt.type syscall.type evt.category \
        evt.args evt.info evt.res evt.io_dir evt.infra.docker.name evt.infra.docker.container.id \
        evt.infra.docker.container.name evt.infra.docker.container.image proc.exe proc.pexe proc.exepath \
        proc.pexepath proc.name proc.pname proc.cmdline proc.pcmdline proc.exeline proc.cwd proc.sname proc.sid.exe \
        proc.sid.exepath proc.vpgid.name proc.vpgid.exe proc.vpgid.exepath proc.pgid.name proc.pgid.exe \
        proc.pgid.exepath thread.cap_permitted thread.cap_inheritable thread.cap_effective thread.nametid \
        thread.cgroups proc.stdin.type proc.stdout.type proc.stderr.type proc.stdin.name proc.stdout.name \
        proc.stderr.name user.name user.homedir user.shell user.loginname group.name fd.type fd.typechar fd.name \
        fd.directory fd.filename fd.l4proto fd.sockfamily fd.uid fd.containername fd.containerdirectory fd.cproto \
        fd.sproto fd.lproto fd.rproto fd.nameraw fs.path.name fs.path.nameraw fs.path.source fs.path.sourceraw \
        fs.path.target fs.path.targetraw fdlist.nums fdlist.names fdlist.cips fdlist.sips fdlist.cports \
        fdlist.sports"),
    Group::of(Kind::Time, "\
        evt.rawtime evt.rawtime.s evt.rawtime.ns proc.exe_ino.ctime proc.exe_ino.mtime \
        proc.exe_ino.ctime_duration_proc_start proc.exe_ino.ctime_duration_pidns_start"),
    Group::of(Kind::Span, "\
        evt.reltime evt.reltime.s evt.reltime.ns evt.latency evt.latency.s evt.latency.ns evt.deltatime \
        evt.deltatime.s evt.deltatime.ns evt.wait_latency proc.duration proc.ppid.duration proc.pid.ts proc.ppid.ts \
        thread.exectime thread.totexectime"),
    Group::of(Kind::Bool, "\
        evt.is_async evt.failed evt.is_io evt.is_io_read evt.is_io_write evt.is_wait evt.is_syslog evt.is_open_read \
        evt.is_open_write evt.is_open_exec evt.is_open_create proc.is_exe_writable proc.is_exe_upper_layer \
        proc.is_exe_lower_layer proc.is_exe_from_memfd proc.is_sid_leader proc.is_vpgid_leader proc.is_pgid_leader \
        thread.ismain fd.is_server fd.connected fd.name_changed fd.is_upper_layer fd.is_lower_layer"),
    Group::of(Kind::U32, "\
        evt.type.is").with_argument(ArgumentUse::Required),
    Group::of(Kind::I16, "\
        evt.cpu"),
    Group::of(Kind::Text, "\
        evt.arg evt.abspath thread.cgroup").with_argument(ArgumentUse::Required),
    Group::of(Kind::Any, "\
        evt.rawarg").with_argument(ArgumentUse::Required).only_on_the_left(),
    Group::of(Kind::Bytes, "\
        evt.buffer"),
    Group::of(Kind::I64, "\
        evt.rawres proc.loginshellid proc.pid proc.ppid proc.vpid proc.pvpid proc.sid proc.vpgid proc.pgid \
        proc.exe_ino proc.fdlimit thread.tid thread.vtid user.loginuid fd.num fd.ino"),
    Group::of(Kind::U32, "\
        evt.count evt.count.error evt.count.error.file evt.count.error.net evt.count.error.memory \
        evt.count.error.other evt.count.exit evt.count.procinfo evt.count.threadinfo proc.tty user.uid group.gid"),
    Group::of(Kind::U64, "\
        evt.around").with_argument(ArgumentUse::Required).only_on_the_left(),
    Group::of(Kind::Text, "\
        proc.aexe proc.aexepath proc.aname proc.acmdline proc.aenv").with_argument(ArgumentUse::Allowed).only_on_the_left(),
    Group::of(Kind::Text, "\
        proc.args proc.aargs proc.env").with_argument(ArgumentUse::Allowed),
    Group::of(Kind::I64, "\
        proc.apid").with_argument(ArgumentUse::Allowed).only_on_the_left(),
    Group::of(Kind::Double, "\
        proc.fdusage thread.cpu thread.cpu.user thread.cpu.system"),
    Group::of(Kind::Address, "\
        fd.ip").only_on_the_left(),
    Group::of(Kind::Address, "\
        fd.cip fd.sip fd.lip fd.rip"),
    Group::of(Kind::Port, "\
        fd.port fd.proto").only_on_the_left(),
    Group::of(Kind::Port, "\
        fd.cport fd.sport fd.lport fd.rport"),
    Group::of(Kind::Network, "\
        fd.net fd.cnet fd.snet fd.lnet fd.rnet").only_on_the_left(),
    Group::of(Kind::Text, "\
        fd.cip.name fd.sip.name fd.lip.name fd.rip.name").only_on_the_left(),
    Group::of(Kind::I32, "\
        fd.dev fd.dev.major fd.dev.minor"),
    Group::of(Kind::Text, "\
        fd.types").with_argument(ArgumentUse::Allowed).list().never_right(),
    // those of the container plugin
    Group::of(Kind::Text, "\
        container.id container.full_id container.name container.image container.image.id container.type \
        container.mounts container.image.repository container.image.tag container.image.digest container.healthcheck \
        container.liveness_probe container.readiness_probe container.ip container.cni.json container.labels \
        k8s.pod.name k8s.ns.name k8s.pod.id k8s.pod.uid k8s.pod.sandbox_id k8s.pod.full_sandbox_id k8s.pod.labels \
        k8s.pod.ip k8s.pod.cni.json"),
    Group::of(Kind::Bool, "\
        container.privileged container.host_pid container.host_network container.host_ipc \
        proc.is_container_healthcheck proc.is_container_liveness_probe proc.is_container_readiness_probe"),
    Group::of(Kind::Time, "\
        container.start_ts"),
    Group::of(Kind::Span, "\
        container.duration"),
    Group::of(Kind::Text, "\
        container.mount container.mount.source container.mount.dest container.mount.mode container.mount.rdwr \
        container.mount.propagation container.label container.annotation k8s.pod.label").with_argument(ArgumentUse::Required),
    // those that profiles add
    Group::of(Kind::U64, "\
        anomaly.count_min_sketch").with_argument(ArgumentUse::Allowed),
    Group::of(Kind::Text, "\
        anomaly.count_min_sketch.profile").with_argument(ArgumentUse::Allowed),
    Group::of(Kind::U64, "\
        anomaly.falco.duration_ns anomaly.age_s"),
    Group::of(Kind::U64, "\
        anomaly.seen anomaly.distinct anomaly.fleet.seen_on anomaly.fleet.hosts").with_argument(ArgumentUse::Allowed),
    Group::of(Kind::Span, "\
        anomaly.age").with_argument(ArgumentUse::Allowed),
    Group::of(Kind::Text, "\
        anomaly.status anomaly.first_seen anomaly.last_seen anomaly.reason").with_argument(ArgumentUse::Allowed),
    Group::of(Kind::Bool, "\
        anomaly.rare anomaly.new_image anomaly.fleet.common").with_argument(ArgumentUse::Allowed),
    Group::of(Kind::Double, "\
        anomaly.rarity anomaly.novelty_rate").with_argument(ArgumentUse::Allowed),
    Group::of(Kind::Text, "\
        anomaly.new_values anomaly.new_with").list(),
];
