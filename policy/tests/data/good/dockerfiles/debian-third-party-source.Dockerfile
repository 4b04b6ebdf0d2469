FROM debian:12-slim@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
# The source of a vendor, with a key that is trusted for it alone.
RUN <<EOF
set -eux
apt-get update
apt-get install -y --no-install-recommends ca-certificates curl gnupg
curl -fsSL https://packages.example.com/key.asc | gpg --dearmor -o /usr/share/keyrings/example.gpg
echo "deb [arch=amd64 signed-by=/usr/share/keyrings/example.gpg] https://packages.example.com/apt stable main" > /etc/apt/sources.list.d/example.list
apt-get update
apt-get install -y --no-install-recommends example=1.2.3-1
apt-get purge -y --auto-remove curl gnupg
rm -rf /var/lib/apt/lists/*
EOF
USER 10001:10001
CMD ["example"]
