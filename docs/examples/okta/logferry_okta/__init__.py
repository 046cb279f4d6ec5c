"""Okta's System Log for logferry."""

from typing import Final

from logferry.extend import Service

SERVICE: Final = Service(
    name="okta",
    client_home="logferry_okta.client:Okta",
    attributes_home="logferry_okta.records:ATTRIBUTES",
    fake_home="logferry_okta.fake:OktaFake",
)
