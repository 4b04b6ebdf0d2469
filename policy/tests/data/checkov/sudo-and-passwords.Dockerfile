FROM debian:12
RUN sudo apt-get install -y app=1
RUN apt-get update && sudo apt-get install -y app=1
RUN echo 'root:hunter2' | chpasswd
RUN chpasswd -e < /run/secrets/passwords
RUN useradd --system app
USER app
HEALTHCHECK CMD ["/usr/bin/true"]
