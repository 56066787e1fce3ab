/** Owns what a test looks like: files by their names in each language, and frameworks by the dependencies that bring them. */

/** @type {readonly RegExp[]} */
const TEST_FILES = [
  /\.(test|spec|e2e|cy)\.[cm]?[jt]sx?$/,
  /(^|\/)__tests__\/.*\.[cm]?[jt]sx?$/,
  /(^|\/)tests?\/(.*\/)?[^/]+\.[cm]?[jt]sx?$/,
  /(^|\/)test_[^/]*\.py$|_test\.py$|(^|\/)tests\.py$/,
  /_test\.go$/,
  /(^|\/)tests\/[^/]+\.rs$|(^|\/)tests?\.rs$/,
  /(Tests?|TestCase|IT|Spec)\.(java|kt|kts|scala|groovy)$/,
  /(^|\/)src\/test\/.*\.(java|kt|scala|groovy)$/,
  /(Tests?|Specs?)\.(cs|fs|vb)$/,
  /_(spec|test)\.(rb|cr|exs|dart|lua|jl|ex)$|(^|\/)test_[^/]*\.(rb|jl|R|c|cc|cpp|sh)$/,
  /(Test|Cest|Spec)\.php$|(^|\/)tests\/.*\.phpt$/,
  /(^|\/)x?t\/(.*\/)?[^/]+\.t$|\.t$/,
  /Tests?\.swift$/,
  /(_test|_unittest|_tests|-test)\.(c|cc|cpp|cxx)$|(^|\/)tests?\/(.*\/)?[^/]+\.(c|cc|cpp|cxx)$/,
  /(Spec|Test)\.hs$|_SUITE\.erl$|_tests\.erl$|_test\.clj[cs]?$|(^|\/)test\/.*\.clj[cs]?$/,
  /\.bats$|(^|\/)test[-_][^/]+\.(sh|R|r)$/,
];

/** @param {string} path */
export const isTestFile = (path) => TEST_FILES.some((pattern) => pattern.test(path));

/** @type {readonly (readonly [dependency: RegExp, framework: string])[]} */
const FRAMEWORKS = [
  [/^vitest$/, 'Vitest'],
  [/^jest$|^ts-jest$|^@jest\//, 'Jest'],
  [/^mocha$/, 'Mocha'],
  [/^ava$/, 'AVA'],
  [/^tap$/, 'tap'],
  [/^jasmine(-core)?$/, 'Jasmine'],
  [/^@playwright\/test$/, 'Playwright'],
  [/^cypress$/, 'Cypress'],
  [/^fast-check$/, 'fast-check'],
  [/^@testing-library\//, 'Testing Library'],
  [/^pytest$/i, 'pytest'],
  [/^hypothesis$/i, 'Hypothesis'],
  [/^(tox|nox)$/i, 'tox or nox'],
  [/^(org\.)?junit|:junit(-jupiter.*)?$/, 'JUnit'],
  [/:testng$/, 'TestNG'],
  [/:mockito-/, 'Mockito'],
  [/^rspec(-.*)?$/, 'RSpec'],
  [/^minitest$/, 'Minitest'],
  [/^phpunit\/phpunit$/, 'PHPUnit'],
  [/^pestphp\/pest$/, 'Pest'],
  [/^xunit(\.|$)/i, 'xUnit'],
  [/^nunit(\.|$)/i, 'NUnit'],
  [/^MSTest/i, 'MSTest'],
  [/^(proptest|quickcheck)$/, 'property tests'],
  [/^criterion$/, 'Criterion'],
  [/^github\.com\/stretchr\/testify/, 'Testify'],
  [/^github\.com\/onsi\/ginkgo/, 'Ginkgo'],
  [/^Test::More$|^Test2/, 'Test::More'],
];

/** @param {Iterable<string>} names of dependencies @returns {string[]} */
export const testFrameworksOf = (names) => {
  const all = [...names];
  return FRAMEWORKS.filter(([pattern]) => all.some((name) => pattern.test(name))).map(([, name]) => name);
};

/** What a test file itself says it is run by. @type {readonly (readonly [RegExp, string])[]} */
const BY_CONTENTS = [
  [/from ['"]node:test['"]|require\(['"]node:test['"]\)/, 'node:test'],
  [/from ['"]bun:test['"]/, 'bun test'],
  [/^\s*(import unittest|from unittest import)/m, 'unittest'],
  [/^\s*(import pytest|from pytest import)/m, 'pytest'],
  [/^import "testing"|^\s*"testing"$/m, 'go test'],
  [/#\[(tokio::)?test\]/, 'cargo test'],
  [/<gtest\/gtest\.h>/, 'GoogleTest'],
  [/catch2?\/|catch\.hpp/, 'Catch2'],
  [/use Test::More|use Test2/, 'Test::More'],
  [/import XCTest/, 'XCTest'],
  [/use ExUnit\.Case/, 'ExUnit'],
  [/package:test\/test\.dart|package:flutter_test/, 'Dart test'],
  [/org\.junit\./, 'JUnit'],
];

/** @param {string} text @returns {string[]} */
export const testFrameworksIn = (text) => BY_CONTENTS.filter(([pattern]) => pattern.test(text)).map(([, name]) => name);
