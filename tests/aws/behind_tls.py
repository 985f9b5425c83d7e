"""The stand-ins for AWS behind TLS, under a name that only a server of names knows, which is another of their stand-ins.

`behind_tls.py FOLDER` writes FOLDER/authority.pem, the authority to trust, stranger.pem, another one, and resolv.conf, and prints the
endpoint. Needs root: names are asked for at port 53, here of an address of loopback that nothing else uses.
"""

import datetime
import json
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HERE = Path(__file__).resolve().parent
NAME = "aws.casefile.test"
RESOLVER = "127.0.0.77"


def certificate(name, issuer, key, issuer_key, is_authority):
    now = datetime.datetime.now(datetime.timezone.utc)
    named = lambda it: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, it)])
    builder = x509.CertificateBuilder(named(issuer), named(name), key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=1))
    builder = builder.add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    if not is_authority:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def pump(source, sink):
    try:
        while block := source.recv(65536):
            sink.sendall(block)
    except OSError:
        pass
    finally:
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def answer_names(server):
    """Every name has the address 127.0.0.1, and no other."""
    while True:
        question, client = server.recvfrom(512)
        end = question.index(0, 12) + 5
        is_address = question[end - 4 : end - 2] == b"\x00\x01"
        answer = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x7f\x00\x00\x01" if is_address else b""
        head = question[:2] + b"\x81\x80\x00\x01" + (b"\x00\x01" if is_address else b"\x00\x00") + bytes(4)
        server.sendto(head + question[12:end] + answer, client)


def main():
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names.bind((RESOLVER, 53))
    threading.Thread(target=answer_names, args=(names,), daemon=True).start()
    (Path(sys.argv[1]) / "resolv.conf").write_text(f"nameserver {RESOLVER}\n")
    trusted, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    for name, authority in (("authority", trusted), ("stranger", key)):
        (Path(sys.argv[1]) / f"{name}.pem").write_bytes(certificate(name, name, authority, authority, True))
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(certificate(NAME, "authority", key, trusted, False) + private)
        file.flush()
        context.load_cert_chain(file.name)
    group = json.dumps({"log_group": {"name": "airflow-empty-Task", "retention": 0}})
    servers = subprocess.Popen([sys.executable, HERE / "serve", group], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    host, port = json.loads(servers.stdout.readline())["endpoint"].removeprefix("http://").split(":")
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"https://{NAME}:{listener.getsockname()[1]}", flush=True)
    while True:
        client, _ = listener.accept()
        try:
            client = context.wrap_socket(client, server_side=True)
        except (OSError, ssl.SSLError):
            continue
        server = socket.create_connection((host, int(port)))
        for ends in ((client, server), (server, client)):
            threading.Thread(target=pump, args=ends, daemon=True).start()


main()
