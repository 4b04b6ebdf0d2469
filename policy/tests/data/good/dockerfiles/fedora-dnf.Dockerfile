FROM fedora:44@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
RUN dnf install -y --setopt=install_weak_deps=False httpd-2.4.62 \
 && dnf clean all \
 && rm -rf /var/cache/dnf
USER 48:48
CMD ["httpd", "-DFOREGROUND"]
