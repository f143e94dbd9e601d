"""Why a request is not served; what happens inside a service has its errors in `kit.errors`."""

from deepmed.kit.errors import DeepMedError


class AccessRefusedError(DeepMedError):
    """This server does not serve whoever asked."""

    code = "access_refused"
    status = 403


class AuthenticationRequiredError(DeepMedError):
    """This server must know who asks."""

    code = "authentication_required"
    status = 401
