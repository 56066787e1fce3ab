/** Owns what `nika down` does and says. */
import { resolveHome } from '../../config/home.ts';
import type { ServiceName } from '../../config/services/service-state.ts';
import { endService, type EndOutcome } from '../../services/end-service.ts';
import { formatDuration } from '../format.ts';
import { asCalled } from '../hint/called-as.ts';
import type { Terminal } from '../terminal.ts';
import { namedServices, patiently } from './named-services.ts';
import type { ServiceFlags } from './service-commands.ts';

interface Ended {
  readonly name: ServiceName;
  readonly outcome: EndOutcome;
}

const EXIT_FAILED = 1;

const jsonOf = ({ name, outcome }: Ended): Readonly<Record<string, unknown>> => {
  switch (outcome.kind) {
    case 'ended':
      return {
        service: name,
        outcome: 'ended',
        by: outcome.by,
        pid: outcome.state.process.pid,
        unnoted: outcome.unnoted?.what ?? null,
      };
    case 'died':
      return { service: name, outcome: 'died', pid: outcome.state.process.pid };
    case 'not running':
      return { service: name, outcome: 'not_running' };
    case 'failed':
      return { service: name, outcome: 'failed', message: outcome.what, remedy: outcome.remedy };
  }
};

const sentenceOf = ({ name, outcome }: Ended, { paint }: Terminal): string => {
  switch (outcome.kind) {
    case 'ended': {
      const took = formatDuration(outcome.tookMs);
      const how = outcome.by === 'SIGTERM' ? `ended in ${took}` : `killed: it did not end by itself (${took})`;
      return `${paint('green', '✓')} ${name} ${how}; its data stay`;
    }
    case 'died':
      return `${paint('yellow', '–')} ${name} had died before; its data are as it left them`;
    case 'not running':
      return `${paint('dim', '–')} ${name} does not run`;
    case 'failed':
      return `${paint('red', '✗')} ${name} could not be ended: ${outcome.what}`;
  }
};

/** @throws {NikaError} what is wrong with the home */
export const endServices = async (flags: ServiceFlags, terminal: Terminal): Promise<void> => {
  const { env, cwd, print, warn, paint } = terminal;
  const home = resolveHome({ flag: flags.home, env, cwd });
  const ended = await Promise.all(
    namedServices(flags).map(async (kind): Promise<Ended> => {
      const work = endService(kind, home.runDir);
      return { name: kind.name, outcome: await patiently(work, `waiting until ${kind.name} ends`, terminal) };
    }),
  );
  if (ended.some(({ outcome }) => outcome.kind === 'failed')) process.exitCode = EXIT_FAILED;
  if (flags.json === true) return print(`${JSON.stringify(ended.map(jsonOf))}\n`);
  print(ended.map((one) => `${sentenceOf(one, terminal)}\n`).join(''));
  for (const { name, outcome } of ended) {
    if (outcome.kind === 'failed')
      warn(`  ${asCalled(terminal, outcome.remedy)} ${paint('dim', '[NIKA_SERVICE_FAILED]')}`);
    if (outcome.kind === 'ended' && outcome.unnoted !== undefined) {
      warn(`${paint('yellow', 'Note:')} ${name} ended; its note could not be written (${outcome.unnoted.what}).`);
      warn(`  ${outcome.unnoted.remedy}`);
    }
  }
};
