/** Owns `nika signal send`: from inside a pod in its name, else from outside. */
import { readStdinText } from './stdin-text.ts';
import { bestEffort } from '../../failopen/best-effort.ts';
import { NikaError } from '../../model/error.ts';
import type { EntityId } from '../../model/id.ts';
import { namedParent } from '../../pod/api/inherited-parent.ts';
import type { SentSignal } from '../../pod/socket/protocol.ts';
import { printable } from '../format.ts';
import type { Terminal } from '../terminal.ts';
import { resolveTarget } from './signal-target.ts';

export interface SendFlags {
  readonly body?: string;
  readonly kind: 'signal' | 'result' | 'error';
  readonly request?: true;
  readonly deadline?: string;
  readonly home?: string;
  readonly json?: true;
}

/** What the command is to send. */
interface Wish {
  readonly to: EntityId;
  readonly name: string;
  readonly body: unknown;
  readonly flags: SendFlags;
}

type Came =
  | { readonly kind: 'sent'; readonly sent: SentSignal }
  | { readonly kind: 'answered'; readonly body: unknown };

const CONNECT_MS = 2_000;

/** JSON; what is piped in may be text as well. */
const bodyOf = async ({ body }: SendFlags): Promise<unknown> => {
  const isPiped = body === '-';
  const text = isPiped ? await readStdinText() : (body ?? 'null');
  try {
    return JSON.parse(text) as unknown;
  } catch {
    if (isPiped) return text;
    throw new NikaError('NIKA_CLI_USAGE', '--body is no JSON', { remedy: `Give a text as --body '"text"'.` });
  }
};

/** Over the socket of the pod that the command runs in; `undefined`: it runs in none. */
const sendInside = async (wish: Wish, terminal: Terminal): Promise<Came | undefined> => {
  const path = terminal.env['NIKA_SOCKET'] ?? '';
  if (path === '') return undefined;
  const { connect } = await import('../../pod/client/client.ts');
  const signal = AbortSignal.timeout(CONNECT_MS);
  const opened = await bestEffort('signals.socket', { withinMs: CONNECT_MS }, () =>
    connect({ path, signal, client: 'nika signal' }),
  );
  if (opened.kind !== 'done') return undefined; // the pod has ended meanwhile
  await using client = opened.value;
  const { to, name, body, flags } = wish;
  if (flags.request === true) {
    const { deadline } = flags;
    return {
      kind: 'answered',
      body: await client.pods.request(to, name, body, deadline === undefined ? {} : { deadline }),
    };
  }
  return { kind: 'sent', sent: await client.pods.send(to, name, body, { kind: flags.kind }) };
};

const sendOutside = async (wish: Wish, terminal: Terminal): Promise<Came> => {
  const [{ resolveHome }, { loadSettings }, { SwarmSession }, { openOutside }] = await Promise.all([
    import('../../config/home.ts'),
    import('../../config/settings.ts'),
    import('../../swarm/session/swarm-session.ts'),
    import('../../pod/signals/open-outside.ts'),
  ]);
  const { to, name, body, flags } = wish;
  const home = resolveHome({ flag: flags.home, env: terminal.env, cwd: terminal.cwd });
  const settings = loadSettings(home, terminal.env);
  const self = namedParent(home, terminal.env);
  await using swarm = SwarmSession.open({ home, settings, env: terminal.env, kind: 'command', job: 'nika-signal' });
  const inJob = self?.startsWith('JOB-') === true ? self : undefined;
  await using outside = await openOutside({ home, settings, session: swarm.session, self: inJob, to });
  const told = `${terminal.paint('yellow', 'nika:')} ${to} is not on the bus of this home: no copy of what is sent stands there`;
  if (!outside.isRecorded) terminal.warn(told);
  const { station } = outside;
  if (flags.request === true) {
    return { kind: 'answered', body: await station.request({ to, name, body }, flags.deadline) };
  }
  const sent = await station.send({ to, name, body }, flags.kind);
  if (sent.via !== 'held') return { kind: 'sent', sent };
  const why = `${to} was not reached: Redis is away, and no pod of it runs in this home`;
  throw new NikaError('NIKA_SIGNAL_UNSENT', why, { subject: to });
};

const HOW = {
  redis: 'by Redis',
  home: 'straight to its socket',
  held: 'later: Redis is away',
} as const;

export const sendSignal = async (job: string, name: string, flags: SendFlags, terminal: Terminal): Promise<void> => {
  if (flags.deadline !== undefined && flags.request !== true)
    throw new NikaError('NIKA_CLI_USAGE', '--deadline is for a request', { remedy: 'Give --request besides.' });
  const { resolveHome } = await import('../../config/home.ts');
  const { busDir } = resolveHome({ flag: flags.home, env: terminal.env, cwd: terminal.cwd });
  const to = await resolveTarget(job, busDir);
  const wish: Wish = { to, name, body: await bodyOf(flags), flags };
  const came = (await sendInside(wish, terminal)) ?? (await sendOutside(wish, terminal));
  if (came.kind === 'sent') {
    const { signal_id: id, via } = came.sent;
    terminal.print(flags.json ? `${JSON.stringify({ to, ...came.sent })}\n` : `${id} went to ${to} ${HOW[via]}\n`);
  } else if (flags.json === true || typeof came.body !== 'string') {
    terminal.print(`${JSON.stringify(came.body)}\n`);
  } else {
    terminal.print(`${came.body.split('\n').map(printable).join('\n')}\n`);
  }
};
