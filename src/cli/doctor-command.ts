/** Owns `nika doctor`: how what was found is shown, and its exit code. */
import type { Command } from 'commander';
import type { Area, Finding, FindingStatus } from '../doctor/finding.ts';
import type { Terminal } from './terminal.ts';

interface DoctorFlags {
  readonly json?: true;
  readonly home?: string;
}

const LOOKS = {
  ok: ['✓', 'green'],
  info: ['·', 'dim'],
  degraded: ['!', 'yellow'],
  wrong: ['✗', 'red'],
} as const satisfies Record<FindingStatus, readonly [string, string]>;

const AREA_WORDS = {
  node: 'Node',
  home: 'Home',
  config: 'Config',
  disk: 'Disk',
  bus: 'Bus',
  pods: 'Pods',
  record: 'Record',
  redis: 'Redis',
  qdrant: 'Qdrant',
  notify: 'Notify',
} as const satisfies Record<Area, string>;

const AREA_CHARS = 8;

type Printable = (text: string) => string;

const showFinding = ({ print, paint }: Terminal, finding: Finding, isFirst: boolean, printable: Printable): void => {
  const [mark, colour] = LOOKS[finding.status];
  const area = (isFirst ? AREA_WORDS[finding.area] : '').padEnd(AREA_CHARS);
  print(`${area}${paint(colour, mark)} ${printable(finding.says)}\n`);
  if (finding.remedy !== undefined)
    print(`${' '.repeat(AREA_CHARS + 2)}${paint('dim', `→ ${printable(finding.remedy)}`)}\n`);
};

const verdict = (findings: readonly Finding[], { paint }: Terminal): string => {
  const count = (status: FindingStatus): number => findings.filter((finding) => finding.status === status).length;
  const [wrong, degraded] = [count('wrong'), count('degraded')];
  const worse = degraded === 0 ? '' : `${degraded} could be better`;
  if (wrong > 0)
    return `${paint('red', `${wrong} ${wrong === 1 ? 'thing is' : 'things are'} wrong`)}${worse && `; ${worse}`}.`;
  return worse === '' ? paint('green', 'All is well.') : `${paint('green', 'Nothing is wrong')}; ${worse}.`;
};

/** A hung disk or server must not keep the last words from a pipe. */
const written = async ({ stdout }: Terminal): Promise<void> => {
  if (stdout.writableLength === 0 || stdout.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  stdout.write('', () => resolve());
  await promise;
};

const doctor = async ({ home: flag, json }: DoctorFlags, terminal: Terminal): Promise<void> => {
  const [{ examine }, { droppedText }, { printable }] = await Promise.all([
    import('../doctor/examine.ts'),
    import('./words/dropped.ts'),
    import('./format.ts'),
  ]);
  const examined = await examine({ flag, env: { ...terminal.env }, cwd: terminal.cwd });
  const findings = examined.findings.map((finding) =>
    finding.counts === undefined ? finding : { ...finding, says: `${finding.says}: ${droppedText(finding.counts)}` },
  );
  const isWrong = findings.some(({ status }) => status === 'wrong');
  if (json === true) {
    const tookMs = Math.round(performance.now());
    terminal.print(`${JSON.stringify({ ok: !isWrong, findings, duration_ms: tookMs })}\n`);
  } else {
    for (const [at, finding] of findings.entries())
      showFinding(terminal, finding, findings[at - 1]?.area !== finding.area, printable);
    terminal.print(`\n${verdict(findings, terminal)}\n`);
  }
  process.exitCode = isWrong ? 1 : 0;
  if (!examined.isHeldUp) return;
  await written(terminal);
  (await import('../pod/end-now.ts')).endNow(process.exitCode);
};

export const addDoctorCommand = (program: Command, terminal: Terminal): void => {
  program
    .command('doctor')
    .description(
      'Looks whether all is well: home, settings, disk, bus, pods, Redis, notifications; and what helps where it is not.',
    )
    .option('--json', 'one JSON object with all findings')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText(
      'after',
      `
It changes nothing, and answers within 3 s whatever hangs.

Marks: ✓ well, · so by choice, ! works and could be better, ✗ wrong.
Exit codes: 0 nothing is wrong, 1 something is.

Examples:
  $ nika doctor
  $ nika doctor --json | jq '.findings[] | select(.status == "wrong")'`,
    )
    .action((flags: DoctorFlags) => doctor(flags, terminal));
};
