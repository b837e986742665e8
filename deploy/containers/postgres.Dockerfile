# Stands in for postgres:18: the server's own files, and an entry point that takes the settings that are used here.
ARG BASE
FROM ${BASE}
COPY postgres /usr/local/pgsql
COPY libraries /usr/local/lib
COPY postgres-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
RUN chmod --recursive a+rX /usr/local/pgsql /usr/local/lib && ldconfig \
  && echo "listen_addresses = '*'" >> /usr/local/pgsql/share/postgresql/postgresql.conf.sample \
  && useradd --system --create-home --home-dir /var/lib/postgresql --shell /bin/bash postgres \
  && install --directory --owner=postgres --group=postgres /var/run/postgresql
ENV PATH=/usr/local/pgsql/bin:$PATH PGDATA=/var/lib/postgresql/18/docker
VOLUME /var/lib/postgresql
ENTRYPOINT ["docker-entrypoint.sh"]
# Fast shutdown, as in the public image.
STOPSIGNAL SIGINT
EXPOSE 5432
CMD ["postgres"]
