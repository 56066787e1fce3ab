/** Owns what a test looks like: files by their names and contents in each language, and frameworks by what brings them in. */

/** By these names they are tests, wherever they lie. @type {readonly RegExp[]} */
const NAMED = [
  /\.(test|spec|e2e|cy)\.[cm]?[jt]sx?$/,
  /(^|\/)test_[^/]*\.py$|_test\.py$|(^|\/)tests\.py$/,
  /_test\.go$/,
  /(Tests?|TestCase|IT|Spec)\.(java|kt|kts|scala|groovy)$/,
  /(Tests?|Specs?)\.(cs|fs|vb)$/,
  /_(spec|test)\.(rb|cr|exs|dart|lua|jl|ex)$|(^|\/)test_[^/]*\.(rb|jl|R|c|cc|cpp|sh)$/,
  /(Test|Cest|Spec)\.php$|(^|\/)tests\/.*\.phpt$/,
  /(^|\/)x?t\/(.*\/)?[^/]+\.t$|\.t$/,
  /Tests?\.swift$/,
  /(_test|_unittest|_tests|-test)\.(c|cc|cpp|cxx)$/,
  /(Spec|Test)\.hs$|_SUITE\.erl$|_tests\.erl$|_test\.clj[cs]?$/,
  /\.bats$|(^|\/)test[-_][^/]+\.(sh|R|r)$/,
];

/** In these folders they may be tests, or help them: what is in the file tells. @type {readonly (readonly [path: RegExp, contents: RegExp])[]} */
const PLACED = [
  [/(^|\/)(__tests__|tests?|specs?)\/(.*\/)?[^/]+\.[cm]?[jt]sx?$/, /^[ \t]*(describe|it|test|suite|specify|scenario|tap\.test|t\.test|QUnit\.(test|module)|Deno\.test)(\.\w+)*\s*\(|^[ \t]*(import\b.*from\s*|(const|let|var)\b.*=\s*require\(\s*)['"](node:)?(test|assert|tape|tap|ava)\b/m],
  [/(^|\/)tests\/[^/]+\.rs$|(^|\/)tests?\.rs$/, /^[ \t]*#\[([\w:]+::)?test\b/m],
  [/(^|\/)src\/test\/.*\.(java|kt|scala|groovy)$/, /^[ \t]*@(\w+\.)*(Test|ParameterizedTest|RepeatedTest|Property)\b|\bextends\s+\w*(Spec|Suite|TestCase)\b|class \w+ : \w*Spec\b/m],
  [/(^|\/)tests?\/(.*\/)?[^/]+\.(c|cc|cpp|cxx)$/, /^[ \t]*(TEST|TEST_F|TEST_P|TEST_CASE|BOOST_AUTO_TEST_CASE|START_TEST)\s*\(|\bint\s+main\s*\(/m],
  [/(^|\/)test\/.*\.clj[cs]?$/, /\(deftest\b/],
]; // prettier-ignore

/** What lies there is what tests work on, whatever it is called. */
const MATERIAL =
  /(^|\/)(fixtures?|__fixtures__|testdata|test[-_](data|files|fixtures|resources)|snapshots?|__snapshots__|__mocks__|mocks?|goldens?)\//i;
/** Where only tests and what helps them lie. */
const TEST_FOLDER = /(^|\/)(tests?|__tests__|specs?|e2e|cypress|t|src\/test)\//;

/**
 * `support`: fixtures and helpers, neither a test nor what is tested.
 * @typedef {'test' | 'support' | 'source'} Part
 */

/**
 * @param {string} path
 * @param {() => string} readText asked for only where the name does not tell
 * @returns {Part}
 */
export const partOf = (path, readText) => {
  if (MATERIAL.test(path)) return 'support';
  if (NAMED.some((pattern) => pattern.test(path))) return 'test';
  const placed = PLACED.find(([pattern]) => pattern.test(path));
  if (placed?.[1].test(readText()) === true) return 'test';
  return TEST_FOLDER.test(path) ? 'support' : 'source';
};

/** By the dependencies of a manifest. @type {readonly (readonly [dependency: RegExp, framework: string])[]} */
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

/** What a test file itself says it is run by: in its language, at the beginning of a line. @type {readonly (readonly [path: RegExp, contents: RegExp, framework: string])[]} */
const BY_CONTENTS = [
  [/\.[cm]?[jt]sx?$/, /^(import\b[^'"]{0,2000}|\}\s*from\s*|(const|let|var)\b[^'"]{0,2000}\brequire\(\s*)['"]node:test['"]/m, 'node:test'],
  [/\.[cm]?[jt]sx?$/, /^(import\b[^'"]{0,2000}|\}\s*from\s*)['"]bun:test['"]/m, 'bun test'],
  [/\.py$/, /^[ \t]*(import unittest|from unittest import)/m, 'unittest'],
  [/\.py$/, /^[ \t]*(import pytest|from pytest import)/m, 'pytest'],
  [/\.go$/, /^import "testing"|^[ \t]*"testing"$/m, 'go test'],
  [/\.rs$/, /^[ \t]*#\[(tokio::)?test\b/m, 'cargo test'],
  [/\.(c|cc|cpp|cxx)$/, /^[ \t]*#include [<"]gtest\/gtest\.h[>"]/m, 'GoogleTest'],
  [/\.(c|cc|cpp|cxx)$/, /^[ \t]*#include [<"](catch2?\/|catch\.hpp)/m, 'Catch2'],
  [/\.(t|pl|pm)$/, /^[ \t]*use (Test::More|Test2)\b/m, 'Test::More'],
  [/\.swift$/, /^[ \t]*(@testable )?import XCTest/m, 'XCTest'],
  [/\.exs?$/, /^[ \t]*use ExUnit\.Case/m, 'ExUnit'],
  [/\.dart$/, /^import ['"]package:(test\/test\.dart|flutter_test)/m, 'Dart test'],
  [/\.(java|kt|kts|scala|groovy)$/, /^[ \t]*import (static )?org\.junit\./m, 'JUnit'],
]; // prettier-ignore

/** @param {string} path @param {string} text @returns {string[]} */
export const testFrameworksIn = (path, text) =>
  BY_CONTENTS.filter(([name, contents]) => name.test(path) && contents.test(text)).map(([, , framework]) => framework);
