# Everything starts here: `make help`.
SHELL := /bin/bash
.DEFAULT_GOAL := help
STACK ?= lab
PROFILE ?= south-schleswig
IN = . ./activate &&

.PHONY: help setup setup-fast setup-test morning up check storm down test test-fast lint format lock

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

setup: ## Install what Klokken needs; says what and why first
	@tools/setup lab

setup-fast:
	@tools/setup test

setup-test:
	@tools/setup lab test

morning: setup ## Stand up a lab, check it, ring the bell, report
	@$(IN) klokken init $(STACK) && klokken up $(STACK) && klokken check $(STACK) \
	  && klokken storm $(PROFILE) --stack $(STACK) --fraction 0.3 --from 07:59:45 --until 08:00:15

up: setup ## Stand the stack up (STACK=lab)
	@$(IN) klokken init $(STACK) && klokken up $(STACK)

check: ## Check every host of the stack
	@$(IN) klokken check $(STACK)

storm: ## Ring the bell (PROFILE=south-schleswig)
	@$(IN) klokken storm $(PROFILE) --stack $(STACK)

down: ## Take the stack down and remove every trace of it
	@$(IN) klokken down $(STACK)

test: setup-test ## Run all tests, the real lab among them
	@$(IN) tools/test

test-fast: setup-fast ## Run lint and the quick tests, which need no root
	@$(IN) tools/test fast

lint: ## Check style and types
	@$(IN) tools/test lint

format: ## Lay the code out
	@$(IN) ruff format && ruff check --fix

lock: ## Resolve the dependencies anew
	@$(IN) tools/lock
