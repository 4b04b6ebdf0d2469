FROM fedora:41
RUN apk add --no-cache --allow-untrusted app=1
RUN apt-get install -y --allow-unauthenticated app=1
RUN apt-get install -y --force-yes app=1
RUN dnf install -y --nogpgcheck app-1
RUN yum -y --nogpgcheck install app-1
RUN tdnf install -y --nogpgcheck app-1
RUN rpm --nosignature -i app.rpm
RUN rpm -i --nodigest app.rpm
RUN rpm -i --noverify app.rpm
RUN dnf install -y app-1
USER 1000
HEALTHCHECK CMD ["/usr/bin/true"]
