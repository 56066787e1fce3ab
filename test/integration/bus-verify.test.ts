import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createChain } from '../../src/bus/chain.ts';
import { ALPHA } from '../../src/bus/layout.ts';
import { CHANNEL_A, JOB_A, TempBus } from '../fixtures/temp-bus.ts';
import { TestHome } from '../nika.ts';

let home: TestHome;
let bus: TempBus;
beforeEach(() => {
  home = new TestHome();
  bus = new TempBus();
});
afterEach(() => {
  home[Symbol.dispose]();
  bus[Symbol.dispose]();
});

const nika = (...args: readonly string[]) => home.nika('bus', ...args, '--home', bus.dir);

/** Changes one byte in the middle of the channel. */
const tamper = (): void => {
  const text = bus.read(CHANNEL_A).toString('utf8');
  bus.write(CHANNEL_A, text.replace('note 1', 'note 7'));
};

describe('nika bus verify', () => {
  it('ends with 0 and figures where every line is as it was written', async () => {
    bus.session(JOB_A, 3);
    const { code, stdout, stderr } = await nika('verify');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(
      /^Verified .*_bus: 2 files, 13 lines, [\d.]+ kB, 1 writer in [\d.]+ m?s.*; unkeyed chain\.\n/,
    );
    expect(stdout).toContain('Every line is as it was written.\n');
  });

  it('G8: ends with 1 and names file, line and what is wrong where one was changed', async () => {
    bus.session(JOB_A, 3);
    tamper();
    const { code, stdout } = await nika('verify');
    expect(code).toBe(1);
    expect(stdout).toContain(`${bus.path(CHANNEL_A)}:5: tampering, changed: line 5 was changed: its hash does not fit`);
    expect(stdout).toContain('Tampered with: 1 finding.\n');
  });

  it('ends with 0 and a warning where a line is torn', async () => {
    bus.session(JOB_A, 1);
    bus.killedSession(JOB_A, ['tool_call']);
    bus.write(CHANNEL_A, bus.read(CHANNEL_A).subarray(0, -30));
    const { code, stdout } = await nika('verify');
    expect(code).toBe(0);
    expect(stdout).toMatch(/JOB-a\.jsonl:6: warning, torn: \d+ bytes of a line that was not finished/);
    expect(stdout).toContain('Every line is as it was written; 1 warning, 1 writer not closed (alive, or killed).\n');
  });

  it('prints the report as one JSON object', async () => {
    bus.session(JOB_A, 3);
    tamper();
    const { code, stdout } = await nika('verify', '--json');
    expect([code, stdout.trimEnd().split('\n').length]).toEqual([1, 1]);
    const finding = { severity: 'tampering', kind: 'changed', file: bus.path(CHANNEL_A), line: 5 };
    expect(JSON.parse(stdout)).toMatchObject({ bus: bus.busDir, lines: 13, fitting: 12, findings: [finding] });
  });

  it('verifies against heads that were kept elsewhere', async () => {
    bus.killedSession(JOB_A, ['note', 'tool_call', 'tool_call']);
    const heads = await nika('heads', '--json');
    expect(heads.stdout.split('\n')).toHaveLength(3);
    const kept = join(home.dir, 'heads.jsonl');
    writeFileSync(kept, heads.stdout);
    expect((await nika('verify', '--against', kept)).code).toBe(0);
    bus.writeLines(CHANNEL_A, bus.lines(CHANNEL_A).slice(0, -1));
    expect((await nika('verify')).code).toBe(0);
    const { code, stdout } = await nika('verify', '--against', kept);
    expect(code).toBe(1);
    expect(stdout).toContain('JOB-a.jsonl: tampering, removed: line 4 is missing: told at the heads given');
  });

  it('takes the key that the settings of the home name, and says what is the matter without it', async () => {
    const keyFile = join(bus.dir, 'bus.key');
    writeFileSync(keyFile, 'k'.repeat(40), { mode: 0o600 });
    bus.session(JOB_A, 1, { chain: createChain(keyFile) });
    const without = await nika('verify');
    expect([without.code, without.stdout.includes('Was it written with a key?')]).toEqual([1, true]);
    mkdirSync(join(bus.dir, 'config'));
    writeFileSync(join(bus.dir, 'config/nika.yaml'), 'bus:\n  keyFile: bus.key\n');
    const { code, stdout } = await nika('verify');
    expect([code, stdout.includes('; keyed chain.')]).toEqual([0, true]);
  });

  it('says on which file it failed, and ends with 2, where there is no bus or no file of heads', async () => {
    bus.session(JOB_A, 1);
    const wrong = await nika('verify', '--against', join(home.dir, 'gone'));
    expect([wrong.code, wrong.stderr.includes(join(home.dir, 'gone'))]).toEqual([2, true]);
    bus.write(ALPHA, 'x');
    const noHeads = await nika('verify', '--against', bus.path(ALPHA));
    expect([noHeads.code, noHeads.stderr.includes('NIKA_CLI_USAGE')]).toEqual([2, true]);
    const nowhere = await home.nika('bus', 'verify', '--home', join(home.dir, 'nowhere'));
    expect([nowhere.code, nowhere.stderr.includes('NIKA_CONFIG_NO_HOME')]).toEqual([2, true]);
  });

  it('does not let what stands on the bus steer the terminal', async () => {
    bus.session(JOB_A, 1);
    bus.writeLines(CHANNEL_A, [
      ...bus.lines(CHANNEL_A),
      (bus.lines(CHANNEL_A)[0] ?? '').replaceAll('JOB-a', '\u001B[2J'),
    ]);
    const { code, stdout } = await nika('verify');
    expect([code, stdout.includes('\u001B')]).toEqual([1, false]);
  });
});

it('G8: a whole session that ran inside a longer one cannot be taken out unseen', async () => {
  home.job(
    'long',
    '  - { tool: shell, input: { argv: [sleep, "3"] } }\n  - { tool: shell, input: { argv: ["true"] } }',
  );
  home.job('short', '  - { tool: shell, input: { argv: ["true"] } }');
  const long = home.start(['pod', 'start', 'long', '--json', '--id', 'JOB-long']);
  await long.printed('tool_started');
  await home.nika('pod', 'start', 'short', '--id', 'JOB-short');
  await home.nika('pod', 'start', 'short', '--id', 'JOB-other'); // the last one on the alpha bus
  await long.ended;
  expect((await home.nika('bus', 'verify')).code).toBe(0);
  const alpha = join(home.dir, '_bus/alpha_bus.jsonl');
  const kept = readFileSync(alpha, 'utf8')
    .split('\n')
    .filter((line) => !line.includes('"entity":"JOB-short"'));
  writeFileSync(alpha, kept.join('\n'));
  rmSync(join(home.dir, '_bus/channels/JOB-short.jsonl'));
  const { code, stdout } = await home.nika('bus', 'verify');
  expect(code).toBe(1);
  expect(stdout).toContain('missing: told at');
});
