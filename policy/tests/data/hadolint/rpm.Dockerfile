FROM fedora:41
RUN yum install httpd
RUN yum install -y httpd-2.4.62 && yum clean all
RUN yum -y update
RUN dnf install -y httpd
RUN dnf install httpd-2.4.62 && dnf clean all
RUN microdnf install -y httpd && microdnf clean all
RUN --mount=type=cache,target=/var/cache/dnf dnf install -y httpd-2.4.62
RUN zypper install httpd
RUN zypper --non-interactive install httpd=2.4 && zypper clean
RUN zypper -n dist-upgrade
RUN zypper dup -y
