# Stands in for apache/kafka: a JRE, Kafka's jars and the two scripts of it that are called.
ARG BASE
FROM ${BASE}
COPY jre /opt/java
COPY jars /opt/kafka/libs
COPY kafka-log4j2.properties /opt/kafka/config/log4j2.properties
COPY kafka-storage.sh kafka-server-start.sh /opt/kafka/bin/
# The public image runs as a user of this name too, who owns nothing but what is below /opt/kafka.
RUN useradd --create-home --shell /bin/bash appuser && chown -R appuser:appuser /opt/kafka
ENV PATH=/opt/java/bin:$PATH
USER appuser
CMD ["bash"]
