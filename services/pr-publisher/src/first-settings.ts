/** The `.pullwright.yaml` that a first pull request offers: what holds anyway, written down where people can change it. */
export const FIRST_SETTINGS = Buffer.from(`# What Pullwright does in this repository. Everything here is optional; these are the defaults.
version: 1

# Which pushes start a run: the first rule whose branches match decides. Without branches a rule means the default branch.
pushes:
  - start: test-generation
    # branches: [main, 'release/*']
    # paths: { include: ['src/**'], exclude: ['**/*.md'] }

# How deep it looks: smoke, standard or deep.
depth: standard

# folders:
#   source: [apps/web]     # only below these folders applications are looked for
#   tests: e2e             # where the tests go

approvals:
  beforeWriting: false     # true: a person is asked before tests are written

pullRequest:
  draft: false
  labels: []
  reviewers: []
  codeOwners: true
`);
