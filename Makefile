# The commands of the kit. `make help` lists them; each prints its result last.
STACK ?= local-docker
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python -m ops
# A value in quotes for the shell, whatever is in it.
quoted = '$(subst ','\'',$(1))'
RUNNER_FLAG := $(if $(RUNNER),--runner $(RUNNER))

# Python packages that the stack's target needs: what its file says, else its example.
FILES := stacks/Pulumi.$(STACK).yaml stacks/Pulumi.$(STACK).example.yaml
TARGET := $(shell sed -nE "s/^ *['\"]?slm-kit:target['\"]?: *['\"]?([a-z-]+).*/\1/p" $(wildcard $(FILES)) /dev/null | head -n 1)
NEEDED := $(VENV)/.run $(addprefix $(VENV)/.,$(if $(filter kubernetes edge,$(TARGET)),kubernetes) $(if $(filter aks,$(TARGET)),azure))

.PHONY: help up preview down purge key password config load logs images render models lock-models advise check test test-kubernetes bench lock

help:  ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 17

up: $(NEEDED)  ## From nothing to a served model (RUNNER=pulumi|rehearsal to choose at first)
	@$(RUN) up --stack $(STACK) $(RUNNER_FLAG) $(if $(YES),--yes)

preview: $(NEEDED)  ## What `make up` would change
	@$(RUN) preview --stack $(STACK)

down: $(NEEDED)  ## Remove what `make up` made; state, keys and large model stores stay
	@$(RUN) down --stack $(STACK) $(if $(YES),--yes)

purge: $(VENV)/.run  ## After down: remove state, keys and model store (YES=1 does not ask)
	@$(RUN) purge --stack $(STACK) $(if $(YES),--yes)

key: $(VENV)/.run  ## Show the API key (ID=…), add one (NEW=… MODELS="…" RPM=… EXPIRES=2027-01-31), renew one (ROTATE=…)
	@$(RUN) key --stack $(STACK) $(if $(ID),--id $(call quoted,$(ID))) \
	  $(if $(NEW),--new $(call quoted,$(NEW))) $(if $(ROTATE),--rotate $(call quoted,$(ROTATE))) \
	  $(if $(MODELS),--models $(foreach m,$(MODELS),$(call quoted,$(m)))) $(if $(RPM),--requests-per-minute $(RPM)) \
	  $(if $(EXPIRES),--expires $(call quoted,$(EXPIRES)))

password: $(VENV)/.run  ## Show a password that `make up` made (NAME=open-webui)
	@$(RUN) password --stack $(STACK) $(if $(NAME),--name $(call quoted,$(NAME)))

config: $(NEEDED)  ## Set a value: KEY=models[0].contextLength VALUE=4096; a secret comes from standard input
	@$(RUN) config --stack $(STACK) $(call quoted,$(KEY)) $(if $(VALUE),$(call quoted,$(VALUE)))

load: $(VENV)/.run  ## Some traffic (SECONDS=60 CONCURRENCY=4), then every recorded series with its value
	@$(RUN) load --stack $(STACK) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(CONCURRENCY),--concurrency $(CONCURRENCY))

logs: $(VENV)/.run  ## The last log lines of every container, or all about one request (REQUEST=its X-Request-Id)
	@$(RUN) logs --stack $(STACK) $(if $(REQUEST),--request $(call quoted,$(REQUEST)))

images: $(NEEDED)  ## The kit's images for a cluster: PREFIX=registry/repository TAG=… NAMES="…" PUSH=1; models as images: MODELS="…"
	@$(RUN) images --stack $(STACK) $(if $(PREFIX),--prefix $(call quoted,$(PREFIX))) \
	  $(if $(TAG),--tag $(call quoted,$(TAG))) $(if $(NAMES),--names $(foreach n,$(NAMES),$(call quoted,$(n)))) \
	  $(if $(MODELS),--models $(foreach m,$(MODELS),$(call quoted,$(m)))) $(if $(PUSH),--push)

render: $(NEEDED)  ## Every resource of the stack as JSON, without touching anything
	@$(RUN) render --stack $(STACK)

models: $(VENV)/.run  ## The catalog as a table (MODEL=… for one in detail)
	@$(RUN) models $(if $(MODEL),--model $(call quoted,$(MODEL)))

lock-models: $(VENV)/.run  ## Ask the hub for revisions and sha256 (MODELS="…") and write catalog/models.lock.yaml
	@$(RUN) lock-models $(foreach m,$(MODELS),$(call quoted,$(m)))

advise: $(VENV)/.run  ## What a model needs and where it fits: MODEL=… CONTEXT=… CONCURRENCY=… HARDWARE=… ENGINE=…
	@$(RUN) advise $(call quoted,$(MODEL)) $(if $(CONTEXT),--context $(CONTEXT)) \
	  $(if $(CONCURRENCY),--concurrency $(CONCURRENCY)) $(if $(HARDWARE),--hardware $(call quoted,$(HARDWARE))) \
	  $(if $(ENGINE),--engine $(call quoted,$(ENGINE)))

check: $(VENV)/.dev  ## ruff, mypy strict, import direction, lock freshness
	@$(BIN)/python -m tests.checks

test: $(VENV)/.dev  ## Everything this machine can run, with a table of what was skipped and why
	@$(BIN)/python -m pytest tests

test-kubernetes: $(VENV)/.dev  ## On a real Kubernetes: KUBECONFIG's, or a node that is built here, once a machine
	@$(if $(KUBECONFIG),,$(RUN) engine)
	@SLM_TEST_KUBERNETES=1 $(BIN)/python -m pytest tests/kubernetes tests/rehearsal_kubernetes

bench: $(VENV)/.dev  ## ONNX, Ollama and the raw loop in one run; ONNX with monitoring and without
	@$(BIN)/python -m bench

lock: $(VENV)/.dev  ## Compile all lock files anew
	@$(BIN)/python -m tests.locks

$(VENV)/.run: requirements.lock
	@$(call venv,requirements.lock)
	@touch $@

# What targets other than local-docker need beside it.
$(VENV)/.kubernetes $(VENV)/.azure: $(VENV)/.%: requirements-%.lock $(VENV)/.run
	@$(call venv,$<)
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	@$(call venv,requirements-dev.lock)
	@touch $@

# Python comes from the machine; a Debian without the venv module gets it, announced.
define venv
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
  || { echo "error: $(PYTHON) is too old: Python 3.11 or newer is needed; set PYTHON=…" >&2; exit 3; }; \
test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) 2>/dev/null \
  || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
       && echo "apt-get install python3-venv (Python's venv module is missing here)" >&2 \
       && { apt-get update -qq || true; } && apt-get install -y -qq python3-venv >/dev/null \
       && $(PYTHON) -m venv --clear $(VENV); } \
  || { echo "error: Python's venv module is missing: install python3-venv" >&2; exit 3; }; \
echo "installing Python packages from $(1)" >&2; \
$(BIN)/pip install -q --require-hashes -r $(1)
endef
