import { expect, it } from 'vitest';
import type { VerifyReport } from '../../bus/read/verify.ts';
import { resolveTerminal, type Terminal } from '../terminal.ts';
import { showReport } from './bus-verify-view.ts';

const REPORT: VerifyReport = {
  files: 3,
  lines: 10,
  fitting: 10,
  redacted: 0,
  redactions: [],
  bytes: 4000,
  blobs: 0,
  writers: 1,
  unsealed: 0,
  sessionless: 0,
  tampering: 0,
  warnings: 0,
  unchecked: 0,
  findings: [],
};

const shown = (report: Partial<VerifyReport>): string => {
  let text = '';
  const print = (more: string): void => {
    text += more;
  };
  const terminal: Terminal = { ...resolveTerminal(process), print, paint: (_, plain) => plain };
  showReport(terminal, { ...REPORT, ...report }, { busDir: '/b', keyed: false, tookMs: 5 });
  return text;
};

it('says that every line is as it was written only where all that lines tell of was looked up', () => {
  expect(shown({})).toContain('Every line is as it was written.\n');
  const partly = shown({ unchecked: 7, warnings: 1 });
  expect(partly).not.toContain('Every line');
  expect(partly).toContain('Nothing was found, but 7 heads that lines tell of could not be looked up; 1 warning.\n');
  expect(shown({ unchecked: 7, tampering: 2 })).toContain('Tampered with: 2 findings');
});

it('tells apart writers that were not closed and those of commands, which close nothing', () => {
  expect(shown({ unsealed: 3, sessionless: 2 })).toContain(
    'Every line is as it was written; 1 writer not closed (alive, or killed), 2 writers without a session (commands).\n',
  );
  expect(shown({ unsealed: 2, sessionless: 2 })).not.toContain('not closed');
});
