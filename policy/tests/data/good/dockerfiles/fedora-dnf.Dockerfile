FROM fedora:41
RUN dnf install -y --setopt=install_weak_deps=False httpd-2.4.62 \
 && dnf clean all \
 && rm -rf /var/cache/dnf
USER 48:48
CMD ["httpd", "-DFOREGROUND"]
