/** Owns how a verification is shown: findings, figures and the verdict. */
import type { Finding, Redaction, VerifyReport } from '../../bus/read/verify.ts';
import { formatBytes, formatDuration, printable } from '../format.ts';
import type { Terminal } from '../terminal.ts';

export interface ReportContext {
  readonly busDir: string;
  /** Whether the chain has a key. */
  readonly keyed: boolean;
  readonly tookMs: number;
}

const number = (count: number): string => count.toLocaleString('en-US');
const plural = (count: number, one: string, many = `${one}s`): string => `${number(count)} ${count === 1 ? one : many}`;

const showFinding = ({ print, paint }: Terminal, { severity, kind, file, line, writer, message }: Finding): void => {
  const place = line === 0 ? file : `${file}:${line}`;
  const label = severity === 'tampering' ? paint('red', `tampering, ${kind}`) : paint('yellow', `warning, ${kind}`);
  const who = writer === undefined ? '' : paint('dim', ` (writer ${printable(writer)})`);
  print(`${printable(place)}: ${label}: ${printable(message)}${who}\n`);
};

/** `redacted k3f9xq2m: 2 lines, 1 blob, by ada@box on 2026-11-20: a token got through` */
const showRedaction = ({ print, paint }: Terminal, redaction: Redaction): void => {
  const { lines, blobs, by, at, reason } = redaction;
  const what = [plural(lines, 'line'), ...(blobs > 0 ? [plural(blobs, 'blob')] : [])].join(', ');
  const label = paint('magenta', `redacted ${printable(redaction.redaction)}`);
  print(`${label}: ${what}, by ${printable(by)} on ${printable(at.slice(0, 10))}: ${printable(reason)}\n`);
};

const showVerdict = ({ print, paint }: Terminal, report: VerifyReport): void => {
  const { tampering, warnings, unsealed, sessionless, unchecked, redacted } = report;
  const notClosed = unsealed - sessionless;
  const asides = [
    ...(warnings > 0 ? [plural(warnings, 'warning')] : []),
    ...(notClosed > 0 ? [`${plural(notClosed, 'writer')} not closed (alive, or killed)`] : []),
    ...(sessionless > 0 ? [`${plural(sessionless, 'writer')} without a session (commands)`] : []),
  ];
  const aside = asides.length === 0 ? '' : `; ${asides.join(', ')}`;
  if (tampering > 0) print(`${paint('red', `Tampered with: ${plural(tampering, 'finding')}`)}${aside}.\n`);
  else if (unchecked > 0) {
    const what = `Nothing was found, but ${plural(unchecked, 'head')} that lines tell of could not be looked up`;
    print(`${paint('yellow', what)}${aside}.\n`);
  } else if (redacted > 0) {
    const but = `, but for ${plural(redacted, 'line')} whose bodies were redacted`;
    print(`${paint('green', 'Every line is as it was written')}${paint('magenta', but)}${aside}.\n`);
  } else print(`${paint('green', 'Every line is as it was written')}${aside}.\n`);
};

/** What was found, what was read and how fast, and the verdict. */
export const showReport = (
  terminal: Terminal,
  report: VerifyReport,
  { busDir, keyed, tookMs }: ReportContext,
): void => {
  const { print, paint } = terminal;
  const { files, lines, bytes, writers, blobs, findings, tampering, warnings, fitting } = report;
  for (const finding of findings) showFinding(terminal, finding);
  for (const redaction of report.redactions) showRedaction(terminal, redaction);
  const more = tampering + warnings - findings.length;
  if (more > 0) print(`and ${number(more)} more findings\n`);
  if (lines > 0 && fitting === 0) {
    const hint = keyed
      ? 'Is bus.keyFile the key it was written with?'
      : 'Was it written with a key? Then set bus.keyFile.';
    print(`${paint('yellow', `No line at all fits its chain. ${hint}`)}\n`);
  }
  const what = [
    plural(files, 'file'),
    plural(lines, 'line'),
    formatBytes(bytes),
    plural(writers, 'writer'),
    ...(blobs > 0 ? [plural(blobs, 'blob')] : []),
  ];
  const speed = tookMs < 100 ? '' : `, ${formatBytes(bytes / (tookMs / 1000))}/s`;
  print(
    `Verified ${busDir}: ${what.join(', ')} in ${formatDuration(tookMs)}${speed}; ${keyed ? 'keyed' : 'unkeyed'} chain.\n`,
  );
  showVerdict(terminal, report);
};
