"""Cache of native engines, one for each endpoint, set of credentials and limits, which clients share.

Metaflow's datastore creates a client per call; with one engine they share connections and the measured concurrency.
"""

import os
import threading
from collections import OrderedDict

from mfs3 import _exit, _native
from mfs3.exceptions import MetaflowS3Exception

#: Maximum number of cached engines. More than one is rare: another role, another endpoint, another retry count.
_MOST = 16

_engines = OrderedDict()
_leaked = []
#: Reentrant, because creating a boto3 client may request an engine again.
_lock = threading.RLock()


def _after_fork():
    global _lock
    # A thread of the parent may have held it.
    _lock = threading.RLock()
    # The threads of the parent do not exist here; dropping their engines is not safe either.
    _leaked.append(dict(_engines))
    _engines.clear()


os.register_at_fork(after_in_child=_after_fork)


def engine(key, make):
    """Returns the engine of this key, and creates it with `make` if there is none."""
    _exit.arm()
    with _lock:
        found = _engines.get(key)
        if found is None:
            found = _engines[key] = make()
            while len(_engines) > _MOST:
                _engines.popitem(last=False)
        else:
            _engines.move_to_end(key)
        return found


def clients():
    """Returns a native client of each engine. Its `close` waits until cancelled and failed uploads are aborted."""
    made = [found[0] if isinstance(found, tuple) else found for found in list(_engines.values())]
    return [_native.Client(engine, tmproot="/") for engine in made if isinstance(engine, _native.Engine)]


#: Parameters of a boto3 client that the native client has too.
_NATIVE = {"endpoint_url", "region_name"}


def configured_params(settings):
    """Returns the client parameters of the settings. As in Metaflow, a program's own parameters replace all of them."""
    params = dict(settings.get("DATATOOLS_CLIENT_PARAMS") or {})
    if endpoint := settings.get("S3_ENDPOINT_URL"):
        params.setdefault("endpoint_url", endpoint)
    if (verify := settings.get("S3_VERIFY_CERTIFICATE")) not in (None, ""):
        params["verify"] = verify
    return params


def _configures(config):
    """Returns whether a botocore configuration sets anything other than retries.

    Metaflow adds one to `DATATOOLS_CLIENT_PARAMS` when it creates a client of its own.
    """
    if config is None:
        return False
    given = config if isinstance(config, dict) else getattr(config, "_user_provided_options", {"": None})
    return bool(set(given) - {"retries"})


def needs_boto3(settings, role=None, session_vars=None, client_params=None, external_client=None):
    """Returns whether a boto3 client is needed, for example for credentials. Metaflow creates it, which may block."""
    params = client_params if client_params else configured_params(settings)
    others = {name for name, value in params.items() if value is not None} - _NATIVE - {"verify", "config"}
    return bool(
        external_client is not None
        or role is not None
        or session_vars
        or settings.get("DATATOOLS_SESSION_VARS")
        or settings.get("DEFAULT_AWS_CLIENT_PROVIDER") != "boto3"
        or settings.get("AWS_SANDBOX_ENABLED")
        or others
        or _configures(params.get("config"))
    )


def for_settings(settings, role=None, session_vars=None, client_params=None, external_client=None):
    """Returns the engine that the settings and the arguments of a client ask for."""
    params = client_params if client_params else configured_params(settings)
    bundle = ca_bundle(params.get("verify"))
    limits = (settings.attempts(), int(settings.get("S3_WORKER_COUNT")))
    if not needs_boto3(settings, role, session_vars, client_params, external_client):
        endpoint, region = params.get("endpoint_url"), params.get("region_name")
        key = ("native", endpoint, region, bundle, environment(), limits)
        return engine(key, lambda: _make(limits, endpoint=endpoint, region=region, ca_bundle=bundle))
    if external_client is None:
        from mfs3.s3 import S3Client

        session_vars = session_vars if session_vars else settings.get("DATATOOLS_SESSION_VARS") or {}
        provider = settings.get("DEFAULT_AWS_CLIENT_PROVIDER")
        arguments = (role, _frozen(session_vars), _frozen(params), provider)
        held = engine(("boto3", arguments), lambda: S3Client(role, session_vars or None, dict(params) or None))
        external_client = held
    return for_boto3(external_client.client, limits, bundle)


def _endpoint_of(client):
    """Returns the endpoint of a boto3 client, or None if it is the default of its region, as ours is."""
    endpoint = client.meta.endpoint_url
    region = client.meta.region_name
    usual = ("https://s3.%s.amazonaws.com" % region, "https://s3.%s.amazonaws.com.cn" % region, "https://s3.amazonaws.com")
    # Without an endpoint, these variables would apply.
    configured = any(os.environ.get(name) for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"))
    return None if endpoint and endpoint.rstrip("/") in usual and not configured else endpoint


def for_boto3(client, limits, bundle=None):
    """Returns an engine with credentials, endpoint, region and authorities of a client of boto3."""
    session = getattr(getattr(client, "_endpoint", None), "http_session", None)
    bundle = ca_bundle(getattr(session, "_verify", None)) or bundle
    key = ("boto3 client", id(client), bundle, environment(), limits)

    def make():
        endpoint = _endpoint_of(client)
        style = (getattr(client.meta.config, "s3", None) or {}).get("addressing_style")
        virtual_host = {"virtual": True, "path": False}.get(style)
        _warn_of_settings(client.meta.config)
        anonymous = _is_anonymous(client)
        made = _make(
            limits,
            endpoint=endpoint,
            region=client.meta.region_name,
            virtual_host=virtual_host,
            ca_bundle=bundle,
            anonymous=anonymous,
            credentials=None if anonymous else lambda: _credentials(client),
        )
        return made, client

    # The client is kept too: its `id` is part of the key.
    return engine(key, make)[0]


def _is_anonymous(client):
    from botocore import UNSIGNED

    return client.meta.config.signature_version is UNSIGNED


def _warn_of_settings(config):
    """Warns of settings of a boto3 client that are ignored, although requests would use another route with them."""
    s3 = getattr(config, "s3", None) or {}
    ignored = [name for name in ("proxies", "client_cert") if getattr(config, name, None)]
    ignored += [name for name in ("use_accelerate_endpoint",) if s3.get(name)]
    if ignored:
        import warnings

        text = "mfs3 does not follow these settings of a client of boto3: %s; set the variables of AWS and proxies"
        warnings.warn(text % ", ".join(ignored), stacklevel=2)


def _credentials(client):
    credentials = client._request_signer._credentials
    if credentials is None:
        raise MetaflowS3Exception("the client of boto3 has no credentials")
    frozen = credentials.get_frozen_credentials()
    return frozen.access_key, frozen.secret_key, frozen.token


def _make(limits, **arguments):
    attempts, worker_count = limits
    return _native.Engine(attempts=attempts, worker_count=worker_count, **arguments)


def switches_verification_off(verify):
    return verify in (False, "False", "false", "0", 0)


def ca_bundle(verify):
    """Returns the file of certificate authorities that a setting names, or None for those of the machine."""
    if verify in (None, True, "True", "true", "1", 1, ""):
        return None
    if switches_verification_off(verify):
        raise MetaflowS3Exception(
            "S3_VERIFY_CERTIFICATE is false, but mfs3 always verifies certificates\n"
            "hint: name a file with your authority instead, or use Metaflow's client: METAFLOW_S3_NATIVE=0"
        )
    return os.fspath(verify)


#: In addition to AWS_*: variables that determine where settings are read, and the proxy of requests.
_VARIABLES = {"HOME", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}


def environment():
    """Returns the variables that determine endpoint, credentials and connections. A test or a flow may change them."""
    return tuple(
        sorted(
            (name, value)
            for name, value in os.environ.items()
            if name.startswith("AWS_") or name.upper() in _VARIABLES
        )
    )


def _frozen(params):
    return tuple(sorted((name, repr(value)) for name, value in params.items()))
