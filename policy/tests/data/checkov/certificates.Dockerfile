FROM debian:12
ENV GIT_SSL_NO_VERIFY=1
ENV NODE_TLS_REJECT_UNAUTHORIZED=0
ENV NPM_CONFIG_STRICT_SSL=false
ENV PIP_TRUSTED_HOST=pypi.corp
ENV PYTHONHTTPSVERIFY=0
ENV NODE_TLS_REJECT_UNAUTHORIZED=1
RUN curl -fsSk -o /tmp/app https://example.com/app
RUN curl --insecure -o /tmp/app https://example.com/app
RUN curl -fsSL -o /tmp/app https://example.com/app
RUN wget --no-check-certificate https://example.com/app
RUN pip install --trusted-host pypi.corp flask==3.1.0
RUN npm config set strict-ssl false
RUN yarn config set strict-ssl false
RUN yum-config-manager --save --setopt=corp.sslverify=0
RUN dnf config-manager --save --setopt=sslverify=false
RUN export GIT_SSL_NO_VERIFY=true && git clone https://git.corp/app
RUN NODE_TLS_REJECT_UNAUTHORIZED=0 npm ci
RUN echo "curl -k is not what we do"
USER 1000
HEALTHCHECK CMD ["/usr/bin/true"]
