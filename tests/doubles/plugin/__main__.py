"""The plugin as Pulumi starts it: a gRPC server whose port is printed."""

from __future__ import annotations

import os
import sys
from concurrent import futures
from typing import Any

import grpc
from google.protobuf import any_pb2, empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from tests.doubles.plugin import kinds
from tests.doubles.plugin.client import Client, Gone, Halfway, Refused

Json = dict[str, Any]
VERSION = "1.43.3"
# A change of any of these makes another thing.
REPLACES = {"image", "ipRange", "location", "sshKeys", "userData"}


class Plugin(provider_pb2_grpc.ResourceProviderServicer):
    """Hetzner's resources, as far as our stacks use them."""

    def __init__(self) -> None:
        """Take address and token from where the real plugin does."""
        self._client = Client(os.environ["HCLOUD_ENDPOINT"], os.environ["HCLOUD_TOKEN"])

    def GetPluginInfo(self, _request: Any, _context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=VERSION)

    def CheckConfig(self, request: Any, _context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, _request: Any, _context: Any) -> Any:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, _request: Any, _context: Any) -> Any:
        return provider_pb2.ConfigureResponse(acceptSecrets=False, supportsPreview=False)

    def Check(self, request: Any, _context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, _context: Any) -> Any:
        olds, news = _plain(request.old_inputs), _plain(request.news)
        changed = [key for key in {*olds, *news} if olds.get(key) != news.get(key)]
        answer = provider_pb2.DiffResponse
        return answer(
            changes=answer.DIFF_SOME if changed else answer.DIFF_NONE,
            diffs=sorted(changed),
            replaces=sorted(REPLACES & set(changed)),
            deleteBeforeReplace=True,
        )

    def Create(self, request: Any, context: Any) -> Any:
        props = _plain(request.properties)
        try:
            number, added = kinds.make(self._client, _kind(request.urn), props)
        except Halfway as error:
            _abort_halfway(context, error, props)
        except Refused as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        return provider_pb2.CreateResponse(id=number, properties=_struct(props | added))

    def Read(self, request: Any, _context: Any) -> Any:
        if not kinds.there(self._client, _kind(request.urn), request.id):
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=request.id, properties=request.properties, inputs=request.inputs
        )

    def Update(self, request: Any, context: Any) -> Any:
        olds, news = _plain(request.olds), _plain(request.news)
        try:
            kinds.change(self._client, _kind(request.urn), request.id, news, olds)
        except Refused as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        return provider_pb2.UpdateResponse(properties=_struct(olds | news))

    def Delete(self, request: Any, context: Any) -> Any:
        try:
            kinds.remove(self._client, _kind(request.urn), request.id)
        except Gone:
            pass
        except Refused as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        return empty_pb2.Empty()

    def Cancel(self, _request: Any, _context: Any) -> Any:
        return empty_pb2.Empty()


def _abort_halfway(context: Any, error: Halfway, props: Json) -> None:
    """Fail, and tell the engine what there is of the thing: it stays in the state."""
    detail = any_pb2.Any()
    detail.Pack(
        provider_pb2.ErrorResourceInitFailed(
            id=error.number,
            properties=_struct(props | error.added),
            reasons=[str(error)],
            inputs=_struct(props),
        )
    )
    code = grpc.StatusCode.UNKNOWN
    status = status_pb2.Status(code=code.value[0], message=str(error), details=[detail])
    # Where gRPC looks for what is more than a code and a text.
    context.set_trailing_metadata([("grpc-status-details-bin", status.SerializeToString())])
    context.abort(code, str(error))


def _kind(urn: str) -> str:
    """Return the last part of the type in a URN: stack, project, parents$type, name."""
    return urn.split("::")[2].rpartition("$")[2].rpartition(":")[2]


def _plain(struct: struct_pb2.Struct) -> Json:
    return dict(json_format.MessageToDict(struct))


def _struct(props: Json) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    json_format.ParseDict(props, struct)
    return struct


def main() -> None:
    """Serve until the engine ends."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Plugin(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
