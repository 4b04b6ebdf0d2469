FROM registry.access.redhat.com/ubi9/ubi:9.4@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 AS build
RUN mkdir -p /mnt/rootfs \
 && dnf install -y --installroot /mnt/rootfs --releasever 9 --setopt install_weak_deps=false --nodocs coreutils-single glibc-minimal-langpack \
 && dnf --installroot /mnt/rootfs clean all
FROM registry.access.redhat.com/ubi9/ubi-micro:9.4@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
COPY --from=build /mnt/rootfs/ /
USER 1001:1001
CMD ["/usr/bin/true"]
