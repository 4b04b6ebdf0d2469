//! Programs and libraries that are often aboard without a package, and the texts that tell their versions.
//!
//! A text names the version by `{…}`: what stands in the braces is how the version begins. Behind a slash stands a name of a
//! file instead of a text in it. Of several versions the highest counts: servers know since when a command exists, but not
//! until when.

use std::{collections::BTreeSet, sync::LazyLock};

/// One program or library.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Software {
    /// Its name in the package URL.
    pub(crate) name: &'static str,
    /// Vendor and product in the names of the National Vulnerability Database.
    pub(crate) cpe: &'static str,
    /// Names of its files; `*` at the end stands for anything.
    pub(crate) files: &'static [&'static str],
    /// Where its version stands.
    pub(crate) texts: &'static [&'static str],
}

macro_rules! software {
    ($($name:literal $cpe:literal [$($file:literal)*] [$($text:literal)*];)*) => {
        /// All of them, by name.
        pub(crate) const SOFTWARE: &[Software] = &[$(Software {
            name: $name,
            cpe: $cpe,
            files: &[$($file),*],
            texts: &[$($text),*],
        }),*];
    };
}

software! {
    "angie" "f5:angie" ["angie"] ["Angie/{1.}"];
    "bash" "gnu:bash" ["bash"] ["Bash version {}("];
    "bind" "isc:bind" ["named"] ["named version: BIND {9.}"];
    "bun" "oven:bun" ["bun"] ["Bun/{}"];
    "busybox" "busybox:busybox" ["busybox*"] ["BusyBox v{}"];
    "bzip2" "bzip:bzip2" ["bzip2" "libbz2.so*"] ["\0{1.}, "];
    "c-ares" "c-ares:c-ares" ["libcares.so*"] ["\0{1.}\0"];
    "chrony" "tuxfamily:chrony" ["chronyd"] ["--version\0{}\0"];
    "coturn" "coturn_project:coturn" ["turnserver"] ["Coturn-{}"];
    "cups" "openprinting:cups" ["cupsd"] ["CUPS v{}"];
    "curl" "haxx:curl" ["curl" "libcurl*"] ["curl {} (" "libcurl/{}"];
    "dart" "dart:dart_software_development_kit" ["dart"] ["\0{2.} (stable)" "\0{3.} (stable)"];
    "deno" "deno:deno" ["deno"] ["Deno/{}"];
    "dnsmasq" "thekelleys:dnsmasq" ["dnsmasq"] ["dnsmasq-{}"];
    "dovecot" "dovecot:dovecot" ["dovecot"] ["\0{2.} ("];
    "dropbear" "dropbear_ssh_project:dropbear_ssh" ["dropbear*"] ["SSH-2.0-dropbear_{}"];
    "exim" "exim:exim" ["exim*"] ["<<eximcnumber>>\0{}\0"];
    "expat" "libexpat_project:libexpat" ["libexpat.so*"] ["expat_{}"];
    "ffmpeg" "ffmpeg:ffmpeg" ["ffmpeg" "ffprobe" "libavcodec.so*" "libavformat.so*" "libavutil.so*"] ["FFmpeg version {}" "Fmpeg version n{}"];
    "flac" "flac_project:flac" ["flac" "libFLAC.so*"] ["reference libFLAC {}"];
    "freeradius" "freeradius:freeradius" ["freeradius" "radiusd"] ["FreeRADIUS Version {}"];
    "gawk" "gnu:gawk" ["gawk"] ["GNU Awk {}"];
    "git" "git-scm:git" ["git"] ["git/{2.}\0"];
    "glibc" "gnu:glibc" ["libc-2.*" "libc.so.6"] ["release version {2.}"];
    "gnupg" "gnupg:gnupg" ["gpg"] ["OpenPGP server {2.}"];
    "gnutls" "gnu:gnutls" ["libgnutls.so*"] ["Enabled GnuTLS {}"];
    "haproxy" "haproxy:haproxy" ["haproxy"] ["\0 version {}, released" "HA-Proxy version {}"];
    "hdf5" "hdfgroup:hdf5" ["libhdf5*"] ["HDF5 library version {}"];
    "httpd" "apache:http_server" ["apache2" "httpd"] ["Apache/{2.}"];
    "icecast" "xiph:icecast" ["icecast*"] ["Icecast {2.}"];
    "imagemagick" "imagemagick:imagemagick" ["convert*" "libMagickCore*" "magick"] ["ImageMagick {}"];
    "jq" "jqlang:jq" ["jq" "libjq.so*"] ["output failed: %s\n\0{1.}\0" "\0jq-{1.}"];
    "julia" "julialang:julia" ["libjulia.so.*"] ["/libjulia.so.{1.}"];
    "keepalived" "keepalived:keepalived" ["keepalived"] ["Keepalived v{}"];
    "libaom" "aomedia:aomedia" ["libaom.so*"] ["AOMedia Project AV1 Decoder v{}"];
    "libarchive" "libarchive:libarchive" ["bsdtar" "libarchive.so*"] ["libarchive {3.}"];
    "libevent" "libevent_project:libevent" ["libevent*"] ["\0{2.}-stable"];
    "libgcrypt" "gnupg:libgcrypt" ["libgcrypt.so*"] ["This is Libgcrypt {}"];
    "libidn2" "gnu:libidn2" ["libidn2.so*"] ["\0{2.}\0"];
    "libjpeg-turbo" "libjpeg-turbo:libjpeg-turbo" ["libjpeg.so*" "libturbojpeg.so*"] ["libjpeg-turbo version {}"];
    "libopus" "opus-codec:opus" ["libopus.so*"] ["libopus {}"];
    "libpcap" "tcpdump:libpcap" ["libpcap.so*"] ["libpcap version {}"];
    "libpng" "libpng:libpng" ["libpng*"] ["libpng version {}"];
    "libressl" "openbsd:libressl" ["libcrypto.so*" "openssl*"] ["LibreSSL {}"];
    "libsodium" "libsodium:libsodium" ["libsodium.so*"] ["\0{1.}\0"];
    "libssh" "libssh:libssh" ["libssh.so*"] ["SSH-2.0-libssh_{}"];
    "libssh2" "libssh2:libssh2" ["libssh2.so*"] ["SSH-2.0-libssh2_{}"];
    "libtiff" "libtiff:libtiff" ["libtiff.so*"] ["LIBTIFF, Version {}"];
    "libvpx" "webmproject:libvpx" ["libvpx.so*"] ["WebM Project VP8 Encoder v{}"];
    "libxml2" "xmlsoft:libxml2" ["libxml2.so.2.*"] ["/libxml2.so.{2.}"];
    "libxslt" "xmlsoft:libxslt" ["libxslt.so.1.*"] ["/libxslt.so.{1.}"];
    "lighttpd" "lighttpd:lighttpd" ["lighttpd"] ["lighttpd/{}"];
    "lua" "lua:lua" ["liblua*" "lua*"] ["Lua {5.}"];
    "luajit" "luajit:luajit" ["libluajit*" "luajit*"] ["LuaJIT {2.}"];
    "mariadb" "mariadb:mariadb" ["mariadb" "mariadbd" "mysqld"] ["\0{10.}-MariaDB" "\0{11.}-MariaDB" "\0{12.}-MariaDB"];
    "mbedtls" "arm:mbed_tls" ["libmbedcrypto.so*"] ["bed TLS {2.}" "bed TLS {3.}"];
    "memcached" "memcached:memcached" ["memcached"] ["memcached {1.}"];
    "monit" "mmonit:monit" ["monit"] ["monit {5.}"];
    "mosquitto" "eclipse:mosquitto" ["mosquitto"] ["\0{1.}\0" "\0{2.}\0"];
    "musl" "musl-libc:musl" ["ld-musl-*" "libc.musl-*"] ["\0{1.}\0"];
    "mysql" "oracle:mysql" ["mysql" "mysqld"] ["/mysql-{}"];
    "nginx" "f5:nginx" ["nginx*"] ["\0nginx/{}"];
    "nmap" "nmap:nmap" ["nmap"] ["//nmap.org\0{7.}"];
    "node" "nodejs:node.js" ["libnode.so*" "node" "nodejs"] ["node.js/v{}"];
    "openldap" "openldap:openldap" ["slapd"] ["OpenLDAP: slapd {}"];
    "openresty" "openresty:openresty" ["nginx*" "openresty"] ["openresty/{}"];
    "openssh" "openbsd:openssh" ["ssh" "sshd"] ["OpenSSH_{}\0" "OpenSSH_{} "];
    "openssl" "openssl:openssl" ["libcrypto.so*" "openssl*"] ["OpenSSL {0.} " "OpenSSL {1.} " "OpenSSL {3.} "];
    "openvpn" "openvpn:openvpn" ["openvpn"] ["\0OpenVPN {2.} "];
    "pcre" "pcre:pcre" ["libpcre.so*"] ["{8.39} 20" "{8.43} 20" "{8.44} 20" "{8.45} 20"];
    "pcre2" "pcre:pcre2" ["libpcre2-8.so*"] ["\0{10.} 20"];
    "perl" "perl:perl" ["libperl.so*" "perl" "perl5*"] ["\0v{5.}\0"];
    "php" "php:php" ["libphp*" "php" "php-cgi" "php-fpm" "php5*" "php7*" "php8*"] ["PHP/{}"];
    "postfix" "postfix:postfix" ["master"] ["mail_version={}"];
    "postgresql" "postgresql:postgresql" ["postgres" "psql"] ["(PostgreSQL) {}"];
    "proftpd" "proftpd:proftpd" ["proftpd"] ["ProFTPD Version {}"];
    "pure-ftpd" "pureftpd:pure-ftpd" ["pure-ftpd*"] ["pure-ftpd v{}"];
    "pypy" "pypy:pypy" ["libpypy*" "pypy*"] ["PyPy {7.}"];
    "python" "python:python" ["libpython2*" "libpython3*" "python" "python2*" "python3*"] ["/Python-{2.}\0" "/Python-{3.}\0" "\0{2.}\0" "\0{3.}\0"];
    "redis" "redis:redis" ["redis-check-*" "redis-cli" "redis-sentinel" "redis-server"] ["\0{4.}\0" "\0{5.}\0" "\0{6.}\0" "\0{7.}\0" "\0{8.}\0"];
    "rsync" "samba:rsync" ["rsync"] ["\0{3.}\0"];
    "ruby" "ruby-lang:ruby" ["libruby*" "ruby*"] ["ruby {2.}p" "ruby {3.}p" "ruby {4.} (" "uby {3.4.} (" "uby {3.5.} ("];
    "rust" "rust-lang:rust" ["librustc_driver*"] ["rustc version {1.}"];
    "sqlite" "sqlite:sqlite" ["libsqlite3.so*" "sqlite3"] ["\0{3.}\0"];
    "squid" "squid-cache:squid" ["squid"] ["squid/{}"];
    "stunnel" "stunnel:stunnel" ["stunnel*"] ["stunnel {} on"];
    "systemd" "systemd_project:systemd" ["libsystemd.so*" "systemd"] ["systemd {2} ("];
    "tcl" "tcl:tcl" ["libtcl*"] ["\0{8.}\0"];
    "tini" "tini_project:tini" ["tini*"] ["tini version {}"];
    "tor" "torproject:tor" ["tor"] ["(tor {0.}"];
    "unbound" "nlnetlabs:unbound" ["unbound"] ["unbound {1.}"];
    "uwsgi" "unbit:uwsgi" ["uwsgi*"] ["\0{2.}\0"];
    "valkey" "lfprojects:valkey" ["valkey-check-*" "valkey-cli" "valkey-sentinel" "valkey-server"] ["\0{7.}\0" "\0{8.}\0" "\0{9.}\0"];
    "varnish" "varnish_cache_project:varnish_cache" ["varnishd"] ["varnish-{} "];
    "vsftpd" "vsftpd_project:vsftpd" ["vsftpd"] ["(vsFTPd {}"];
    "wget" "gnu:wget" ["wget"] ["\0{1.}\0"];
    "xz" "tukaani:xz" ["liblzma.so*" "xz"] ["\0{5.}\0"];
    "zlib" "zlib:zlib" ["libz.so*"] ["deflate {1.}"];
    "zlib-ng" "zlib-ng:zlib-ng" ["libz-ng.so*" "libz.so*"] ["zlib-ng {}"];
    "zstd" "facebook:zstandard" ["libzstd.so.1.*" "zstd"] ["/libzstd.so.{1.}" "\0v{1.}\0Zstandard"];
}

impl Software {
    /// What of a file's name the `*` of one of [`Software::files`] stands for, empty where there is none; `None` if no name
    /// of this is like that.
    pub(crate) fn named<'a>(&self, name: &'a str) -> Option<&'a str> {
        self.files.iter().find_map(|file| match file.strip_suffix('*') {
            Some(beginning) => name.strip_prefix(beginning),
            None => (*file == name).then_some(""),
        })
    }
}

/// Names of files as they are, and beginnings of names.
static NAMES: LazyLock<(BTreeSet<&str>, BTreeSet<&str>)> = LazyLock::new(|| {
    let (mut whole, mut beginnings) = (BTreeSet::new(), BTreeSet::new());
    for file in SOFTWARE.iter().flat_map(|software| software.files) {
        match file.strip_suffix('*') {
            Some(beginning) => beginnings.insert(beginning),
            None => whole.insert(*file),
        };
    }
    (whole, beginnings)
});

/// Whether any line has files of this name; quick, since it is asked about every file.
pub(super) fn is_named(name: &str) -> bool {
    let (whole, beginnings) = &*NAMES;
    // Whatever stands between a name and its beginning begins with that as well: no more than three do.
    let before = || beginnings.range(..=name).rev().take(4);
    whole.contains(name) || before().any(|beginning| name.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_well_formed() {
        assert!(SOFTWARE.len() >= 60);
        assert!(SOFTWARE.is_sorted_by(|left, right| left.name < right.name));
        for software in SOFTWARE {
            assert_eq!(software.cpe.split(':').count(), 2, "{}", software.name);
            assert!(software.files.is_sorted(), "{}", software.name);
            assert!(!software.files.is_empty() && !software.texts.is_empty(), "{}", software.name);
            for text in software.texts {
                let (before, rest) = text.split_once('{').unwrap();
                let (begins, _) = rest.split_once('}').unwrap();
                // The fewer bytes, the more often the search stops for nothing.
                assert!(before.len() + begins.len() >= 3, "{}: {text}", software.name);
                assert!(
                    begins.starts_with(|first: char| first.is_ascii_digit()) || begins.is_empty()
                );
            }
        }
    }

    #[test]
    fn names_of_files() {
        let python = SOFTWARE.iter().find(|software| software.name == "python").unwrap();
        assert_eq!(python.named("python3.11"), Some(".11"));
        assert_eq!(python.named("python"), Some(""));
        assert_eq!(python.named("libpython3.11.so.1.0"), Some(".11.so.1.0"));
        assert_eq!(python.named("ipython"), None);
        for file in SOFTWARE.iter().flat_map(|software| software.files) {
            for end in ["", "-", ".1", "z"] {
                let name = file.replace('*', end);
                assert!(is_named(&name), "{name}");
            }
        }
        assert!(["luaz", "luajit", "python3.11"].into_iter().all(is_named));
        assert!(!["ipython", "li", "", "zzz", "\u{fffd}"].into_iter().any(is_named));
    }
}
