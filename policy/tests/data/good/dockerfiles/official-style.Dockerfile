FROM debian:bookworm-slim@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
RUN groupadd -r -g 999 cache && useradd -r -g cache -u 999 cache
ENV CACHE_VERSION=7.4.1
ENV CACHE_SHA256=bc34b878eb89421bbfca6fa78752343bf37af312a09eb0fae47c9575977dfaa2
RUN set -eux; \
	savedAptMark="$(apt-mark showmanual)"; \
	apt-get update; \
	apt-get install -y --no-install-recommends ca-certificates wget gcc libc6-dev make; \
	rm -rf /var/lib/apt/lists/*; \
	wget -O cache.tar.gz "https://download.example.com/cache-$CACHE_VERSION.tar.gz"; \
	echo "$CACHE_SHA256 *cache.tar.gz" | sha256sum -c -; \
	mkdir -p /usr/src/cache; \
	tar -xzf cache.tar.gz -C /usr/src/cache --strip-components=1; \
	rm cache.tar.gz; \
	make -C /usr/src/cache -j "$(nproc)"; \
	make -C /usr/src/cache install; \
	rm -r /usr/src/cache; \
	apt-mark auto '.*' > /dev/null; \
	[ -z "$savedAptMark" ] || apt-mark manual $savedAptMark > /dev/null; \
	find /usr/local -type f -executable -exec ldd '{}' ';' \
		| awk '/=>/ { print $(NF-1) }' | sort -u | xargs -r dpkg-query --search | cut -d: -f1 | sort -u | xargs -r apt-mark manual; \
	apt-get purge -y --auto-remove -o APT::AutoRemove::RecommendsImportant=false
RUN mkdir /data && chown cache:cache /data
VOLUME /data
WORKDIR /data
USER cache
EXPOSE 6379
CMD ["cache-server"]
