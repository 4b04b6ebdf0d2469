FROM composer:2.10@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 AS vendor
WORKDIR /app
COPY composer.json composer.lock ./
RUN composer install --no-dev --no-scripts --prefer-dist --ignore-platform-reqs

FROM php:8.3-fpm-alpine@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
RUN apk add --no-cache --virtual .phpize-deps $PHPIZE_DEPS icu-dev \
 && docker-php-ext-install intl opcache \
 && apk del .phpize-deps \
 && apk add --no-cache icu-libs
COPY --from=vendor /app/vendor /app/vendor
COPY --chown=www-data:www-data . /app
USER www-data
CMD ["php-fpm"]
