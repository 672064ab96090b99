"""Ask whether a package that we ship has a known vulnerability; without a network, say that nobody was asked."""

import json
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).parent.parent / "requirements.lock"
COMMAND = ["pip-audit", "-r", str(LOCK), "--require-hashes", "--disable-pip", "-f", "json", "--progress-spinner", "off"]


def main() -> int:
    """Return 1 if there is a known vulnerability."""
    program = str(Path(sys.executable).parent / COMMAND[0])
    ran = subprocess.run([program, *COMMAND[1:]], capture_output=True, text=True, check=False)
    try:
        packages = json.loads(ran.stdout)["dependencies"]
    except (ValueError, KeyError):
        packages = []
    asked = [package for package in packages if "skip_reason" not in package]
    found = [(package, bad) for package in asked for bad in package["vulns"]]
    for package, bad in found:
        fixed = ", ".join(bad["fix_versions"]) or "none yet"
        print(f"{package['name']} {package['version']}: {bad['id']}; mended in: {fixed}")
    if not asked:
        print("Vulnerabilities: not looked for, the list cannot be reached from here")
    else:
        print(f"Vulnerabilities: {len(found)} known in {len(asked)} packages")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
