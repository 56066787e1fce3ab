import { describe, expect, it } from 'vitest';
import { asCalled } from './called-as.ts';
import { usageHint } from './usage-hint.ts';

describe('commands that a person is to type', () => {
  it('are written as nika was called', () => {
    const text = 'Run "nika job list", or nika bus show JOB-x; nika itself and nikapod stay.';
    expect(asCalled({ env: { npm_command: 'exec' } }, text)).toBe(
      'Run "npx nika job list", or npx nika bus show JOB-x; nika itself and nikapod stay.',
    );
    expect(asCalled({ env: {} }, text)).toBe(text);
    expect(asCalled({ env: { npm_command: 'run-script' } }, text)).toBe(text);
  });
});

describe('what was probably meant', () => {
  it.each([
    ["error: unknown command 'ps'", ['pod', 'ps'], 'Did you mean nika pod ls?'],
    ["error: unknown command 'stop'", ['stop', 'x'], 'Did you mean nika pod stop <id>?'],
    ["error: unknown command 'run'", ['job', 'run', 'x'], 'Did you mean nika pod start <job>?'],
    ["error: unknown option '--home'", ['--home', '/x', 'tree', '@last'], 'nika tree @last --home /x'],
    ["error: unknown option '--home=/x'", ['--home=/x', 'tree'], 'nika tree --home=/x'],
    ["error: unknown option '--json'", ['--json', 'bus', 'tail'], 'nika bus tail --json'],
    ["error: unknown option '--home'", ['--home', '/x'], 'nika tree --home /x'],
  ])('%s of %j', (error, args, hint) => expect(usageHint(error, args)).toContain(hint));

  it.each([
    ["error: unknown command 'frobnicate'", ['frobnicate']],
    ["error: unknown command 'toString'", ['pod', 'toString']],
    ["error: unknown option '--jsn'", ['bus', 'tail', '--jsn']],
    ["error: missing required argument 'job'", ['pod', 'start']],
  ])('nothing is guessed of %s', (error, args) => expect(usageHint(error, args)).toBeUndefined());
});
