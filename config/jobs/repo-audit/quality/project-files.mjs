/** Owns the files by which a project tells how it is kept: continuous integration, licence, documents, settings. */

/** @type {readonly (readonly [RegExp, string])[]} */
const CI_FILES = [
  [/^\.github\/workflows\/[^/]+\.ya?ml$/, 'GitHub Actions'],
  [/^\.gitlab-ci\.ya?ml$/, 'GitLab CI'],
  [/^\.circleci\/config\.ya?ml$/, 'CircleCI'],
  [/^Jenkinsfile/, 'Jenkins'],
  [/^(\.azure\/|\.)?azure-pipelines.*\.ya?ml$/, 'Azure Pipelines'],
  [/^\.travis\.ya?ml$/, 'Travis CI'],
  [/^bitbucket-pipelines\.ya?ml$/, 'Bitbucket Pipelines'],
  [/^\.drone\.(ya?ml|star)$/, 'Drone'],
  [/^\.woodpecker(\/.*)?\.ya?ml$/, 'Woodpecker'],
  [/^\.(forgejo|gitea)\/workflows\/[^/]+\.ya?ml$/, 'Forgejo or Gitea Actions'],
  [/^\.buildkite\/.*\.ya?ml$/, 'Buildkite'],
  [/^\.?appveyor\.ya?ml$/, 'AppVeyor'],
  [/^\.cirrus\.(ya?ml|star)$/, 'Cirrus CI'],
  [/^\.builds?\/?.*\.yml$/, 'builds.sr.ht'],
  [/^\.teamcity\//, 'TeamCity'],
  [/^cloudbuild\.ya?ml$/, 'Cloud Build'],
  [/^\.ci\//, 'its own .ci folder'],
];

/** @param {string} path @returns {string | undefined} */
export const ciOf = (path) => CI_FILES.find(([pattern]) => pattern.test(path))?.[1];

/** Files at the top that people look for. @type {readonly (readonly [RegExp, string])[]} */
const EXPECTED = [
  [/^(readme)(\..+)?$/i, 'README'],
  [/^((un)?licen[sc]e|copying|mit-license|artistic)([.-].+)?$/i, 'licence'],
  [/^\.gitignore$/, '.gitignore'],
  [/^(changelog|changes|history|news|releases?)(\.(md|rst|txt|adoc))?$/i, 'changelog'],
  [/^(\.github\/|docs\/)?contributing(\.(md|rst|txt|adoc))?$/i, 'contributing guide'],
  [/^(\.github\/|docs\/)?security(\.(md|rst|txt|adoc))?$/i, 'security policy'],
  [/^(\.github\/|docs\/)?codeowners$/i, 'code owners'],
  [/^\.editorconfig$/, '.editorconfig'],
  [/^(agents|claude)\.md$/i, 'notes for agents'],
  [/^\.pre-commit-config\.ya?ml$|^\.husky\/|^lefthook\.ya?ml$/, 'commit hooks'],
  [/^(\.eslintrc.*|eslint\.config\..+|\.oxlintrc.*|biome\.jsonc?|\.?ruff\.toml|\.flake8|\.pylintrc|\.golangci\.ya?ml|\.?clippy\.toml|\.rubocop\.ya?ml|phpstan\.neon.*|\.clang-tidy|checkstyle\.xml|\.credo\.exs)$/i, 'linter settings'],
  [/^(\.prettierrc.*|\.oxfmtrc.*|\.?rustfmt\.toml|\.clang-format|\.scalafmt\.conf|\.php-cs-fixer.*|\.formatter\.exs)$/i, 'formatter settings'],
  [/^(tsconfig.*\.json|mypy\.ini|\.mypy\.ini|pyrightconfig\.json)$/, 'type checker settings'],
  [/^(dependabot\.ya?ml|\.github\/dependabot\.ya?ml|renovate\.json5?|\.renovaterc.*|\.github\/renovate\.json5?)$/i, 'dependency updates'],
  [/^(dockerfile|containerfile|(docker-)?compose\.ya?ml)/i, 'container files'],
]; // prettier-ignore

/** @param {string} path @returns {string | undefined} */
export const expectedFileOf = (path) => EXPECTED.find(([pattern]) => pattern.test(path))?.[1];

export const EXPECTED_NAMES = EXPECTED.map(([, name]) => name);

/** @type {readonly (readonly [RegExp, string])[]} */
const LICENCES = [
  [/Apache License\s+Version 2\.0/i, 'Apache-2.0'],
  [/GNU AFFERO GENERAL PUBLIC LICENSE\s+Version 3/i, 'AGPL-3.0'],
  [/GNU LESSER GENERAL PUBLIC LICENSE\s+Version 3/i, 'LGPL-3.0'],
  [/GNU LESSER GENERAL PUBLIC LICENSE\s+Version 2\.1/i, 'LGPL-2.1'],
  [/GNU GENERAL PUBLIC LICENSE\s+Version 3/i, 'GPL-3.0'],
  [/GNU GENERAL PUBLIC LICENSE\s+Version 2/i, 'GPL-2.0'],
  [/Mozilla Public License,? (Version|v\.) ?2\.0/i, 'MPL-2.0'],
  [/Business Source License/i, 'BUSL-1.1'],
  [/Permission is hereby granted, free of charge, to any person obtaining a copy/i, 'MIT'],
  [/Permission to use, copy, modify,? and(\/or)? distribute this software/i, 'ISC'],
  [/Neither the name of .{0,200} nor the names of its\s+contributors/is, 'BSD-3-Clause'],
  [/Redistribution and use in source and binary forms/i, 'BSD-2-Clause'],
  [/This is free and unencumbered software released into the public domain/i, 'Unlicense'],
  [/Creative Commons|CC0/i, 'Creative Commons'],
];

/** The licence that a text is, by its wording. @param {string} text @returns {string} empty: not known */
export const licenceOf = (text) => LICENCES.find(([pattern]) => pattern.test(text.slice(0, 20_000)))?.[1] ?? '';

/** What editors, systems and builds leave behind. */
const JUNK =
  /(^|\/)(\.DS_Store|Thumbs\.db|desktop\.ini|npm-debug\.log|yarn-error\.log|\.idea\/workspace\.xml|__pycache__\/.*|[^/]+\.(pyc|pyo|swp|swo|orig|rej|bak|class|o))$|~$/;

/** What package managers put beside the sources; `vendor` is often committed on purpose, these are not. */
const INSTALLED =
  /(^|\/)(node_modules|bower_components|\.?venv|virtualenv|__pycache__|site-packages|Pods|\.gradle|\.terraform)\//;

/** @param {string} path */
export const isInstalled = (path) => INSTALLED.test(path);

/** @param {string} path */
export const isJunk = (path) => JUNK.test(path);
