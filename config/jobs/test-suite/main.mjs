/**
 * Runs a test suite and tells the pod of each test. It ends as the suite ends; by hand, without a pod, it does the same
 * and tells nobody.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { connect } from 'nika/client';
import { detectTests } from './detect.mjs';
import { SuiteReport } from './report.mjs';
import { planLine, quote } from './runners.mjs';
import { runSuite } from './suite.mjs';

const EXIT_USAGE = 2;

/**
 * @param {{ command: string, format: string, junit: string }} inputs
 * @param {string} cwd
 * @param {string} folder for files of the run
 * @returns {import('./runners.mjs').SuitePlan | undefined}
 */
const planSuite = ({ command, format, junit }, cwd, folder) => {
  const found = command === '' ? detectTests(cwd) : { line: command };
  if (found === undefined) return undefined;
  if (junit !== '') return { command: found.line, source: { kind: 'junit', pattern: junit }, env: {} };
  if (format === 'tap' || format === 'go-json')
    return { command: found.line, source: { kind: 'stdout', format }, env: {} };
  return planLine(found.line, { ...found, folder });
};

/** @param {import('./report.mjs').SuiteResult} result */
const summary = ({ passed, failed, skipped }) => `${passed} passed, ${failed} failed, ${skipped} skipped`;

/** @param {{ command: string, format: string, junit: string }} inputs @param {string} folder */
const main = async (inputs, folder) => {
  const cwd = process.cwd();
  const plan = planSuite(inputs, cwd, folder);
  if (plan === undefined) {
    console.error(`no test suite is recognised in ${cwd}; give the command line that runs it, as command=…`);
    return EXIT_USAGE;
  }
  if (inputs.format === 'junit' && plan.source.kind !== 'junit') {
    console.error(`format=junit needs junit=…, the path that "${plan.command}" writes to`);
    return EXIT_USAGE;
  }
  await using client = await connect({ client: 'test-suite', failOpen: true });
  const report = new SuiteReport(client, cwd);
  console.error(`$ ${plan.command}`);
  const exitCode = await runSuite(plan, report, cwd);
  if (report.testCount === 0)
    report.note(`no test could be read from what ${quote(plan.command)} told; name its format, or its JUnit file`);
  console.error(summary(await report.finish()));
  return exitCode;
};

const { values } = parseArgs({
  options: {
    command: { type: 'string', default: '' },
    format: { type: 'string', default: 'auto' },
    junit: { type: 'string', default: '' },
  },
});
const folder = mkdtempSync(join(tmpdir(), 'nika-test-suite-'));
try {
  process.exitCode = await main(values, folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
