FROM opensuse/leap:15.6@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
RUN zypper --non-interactive install --no-recommends 'postgresql16=16.4' && zypper clean --all
USER 10001:10001
CMD ["postgres"]
