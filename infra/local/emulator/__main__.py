"""Starts the emulator: checks the version, applies every part, serves."""

import importlib.metadata
import sys

MINISTACK = "1.5.33"


def main():
    try:
        found = importlib.metadata.version("ministack")
    except importlib.metadata.PackageNotFoundError:
        found = "no version"
    if found != MINISTACK:
        sys.exit(f"The overlay patches ministack {MINISTACK} but {found} is installed: install requirements.txt.")

    from . import (  # noqa: F401  importing a part applies it
        function_results,
        http_api,
        kms_conditions,
        leading_keys,
        lifetime,
        mail_senders,
        malware_scan,
        object_conditions,
        object_writes,
        policy_variables,
        principal_arn,
        provisioners,
        queue_urls,
        rest_api,
        sealed_objects,
        second_factor,
        snapshots,
        turns,
        user_pools,
        warm_invokes,
        web_identity,
    )

    malware_scan.start()
    snapshots.start()
    lifetime.serve()


if __name__ == "__main__":
    main()
