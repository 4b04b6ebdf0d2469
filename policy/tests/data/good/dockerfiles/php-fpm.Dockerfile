FROM composer:2.8 AS vendor
WORKDIR /app
COPY composer.json composer.lock ./
RUN composer install --no-dev --no-scripts --prefer-dist --ignore-platform-reqs

FROM php:8.3-fpm-alpine
RUN apk add --no-cache --virtual .phpize-deps $PHPIZE_DEPS icu-dev \
 && docker-php-ext-install intl opcache \
 && apk del .phpize-deps \
 && apk add --no-cache icu-libs
COPY --from=vendor /app/vendor /app/vendor
COPY --chown=www-data:www-data . /app
USER www-data
CMD ["php-fpm"]
