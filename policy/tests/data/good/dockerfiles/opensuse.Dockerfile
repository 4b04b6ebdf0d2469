FROM opensuse/leap:15.6
RUN zypper --non-interactive install --no-recommends 'postgresql16=16.4' && zypper clean --all
USER 10001:10001
CMD ["postgres"]
