FROM python:3.12
RUN pip install requests
RUN pip install --no-cache-dir requests==2.32.3
RUN pip3 install --no-cache-dir requests
RUN python3 -m pip install --no-cache-dir requests
RUN pip install --no-cache-dir -r requirements.txt
RUN pip install --no-cache-dir .
RUN pip install --no-cache-dir git+https://github.com/a/b@v1
RUN pip install --no-cache-dir "requests>=2"
RUN npm install -g typescript
RUN npm install -g typescript@5.4.5 && npm cache clean --force
RUN npm ci
RUN gem install bundler
RUN gem install bundler:2.5.0
RUN gem install bundler -v 2.5.0
RUN go install example.com/x@latest
RUN go install example.com/x@v1.2.3
RUN go install ./...
RUN yarn install
RUN yarn install && yarn cache clean
FROM python:3.12
ENV PIP_NO_CACHE_DIR=1
RUN pip install requests==2.32.3
