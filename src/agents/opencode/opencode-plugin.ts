/**
 * Owns the plugin that opencode loads in a run of nika's: it tells the pod of each call, and asks it before. It is copied
 * into the folder of the run, beside a `place.json` with what it needs to know, and runs inside of opencode: of nika's it
 * imports what is copied with it, and no more.
 *
 * O1. Nothing here throws but a refusal, and nothing waits longer than its time-out: opencode has none for plugins, and
 *     what a hook after a call throws would turn the call into a failure.
 */
import { readFileSync } from 'node:fs';
import { type Fields, fieldsOf, type JobLimits, limitTurns, restrict } from './opencode-limits.ts';

/** As `opencode-config.ts` writes it. */
interface Place extends JobLimits {
  readonly url: string;
  readonly token: string;
  readonly socket: string;
  /** How long a call waits before it is made: a person may have to be asked. */
  readonly askMs: number;
  /** How long anything else may take. */
  readonly tellMs: number;
  /** Variables that were set for the start of opencode alone. */
  readonly unset: readonly string[];
  /** What commands of the agent get in place of what opencode was given. */
  readonly shellEnv: Readonly<Record<string, string>>;
}

interface Prompter {
  readonly session: {
    readonly promptAsync: (prompt: { path: { id: string }; body: { parts: readonly Fields[] } }) => Promise<unknown>;
  };
}

const place = JSON.parse(readFileSync(new URL('./place.json', import.meta.url), 'utf8')) as Place;
for (const name of place.unset) delete process.env[name];

/** More are dropped, and counted. */
const MAX_EVENTS = 10_000;
const events: Fields[] = [];
let dropped = 0;
/** Each request wakes the pod, on a machine that has other things to do. */
const SOON_MS = 50;
let soon: NodeJS.Timeout | undefined;
/** The request with events that is under way. */
let telling: Promise<void> | undefined;

/** What the pod answers; `{}`: nothing, in time or at all. Never rejects (O1). */
const post = async (name: string, body: Fields, withinMs: number): Promise<Fields> => {
  try {
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${place.token}` },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(withinMs),
      ...(place.url === '' ? { unix: place.socket } : {}), // as Bun, in which opencode runs, has it
    };
    const response = await fetch(`${place.url === '' ? 'http://nika' : place.url}/hook/${name}`, init);
    const text = await response.text();
    return text === '' ? {} : fieldsOf(JSON.parse(text));
  } catch {
    return {};
  }
};

const takeEvents = (): Fields => {
  const taken = { events: events.splice(0), dropped };
  dropped = 0;
  return taken;
};

const nothing = (): void => undefined;

const sendEvents = async (client: Prompter): Promise<void> => {
  while (events.length > 0) {
    const { prompt } = await post('events', takeEvents(), place.tellMs);
    const { session, text } = fieldsOf(prompt);
    if (typeof session !== 'string' || typeof text !== 'string') continue;
    const body = { parts: [{ type: 'text', text }] };
    client.session.promptAsync({ path: { id: session }, body }).then(nothing, nothing);
  }
};

const send = (client: Prompter): void => {
  telling ??= sendEvents(client)
    .then(nothing, nothing)
    .finally(() => {
      telling = undefined;
    });
};

/** Told soon, in order, several at once or with the next call; nobody waits. */
const tell = (client: Prompter, event: Fields): void => {
  if (events.length >= MAX_EVENTS) dropped += 1;
  else events.push(event);
  soon ??= setTimeout(() => {
    soon = undefined;
    send(client);
  }, SOON_MS);
};

/** Until what is under way is with the pod, or it takes too long (O1). */
const settle = async (): Promise<void> => {
  if (telling === undefined) return;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, place.tellMs);
  });
  await Promise.race([telling, late]);
  clearTimeout(timer);
};

/** After what was told before it. */
const ask = async (name: string, body: Fields, withinMs: number): Promise<Fields> => {
  await settle();
  return post(name, { ...takeEvents(), ...body }, withinMs);
};

/** Picks from the stream of events, most of which are of no concern. */
const createFilter = (tell: (event: Fields) => void) => {
  const messages = new Set<unknown>();
  const children = new Set<unknown>();
  const retrying = new Set<unknown>();
  /** Calls whose end was told by the hook after it. */
  const ended = new Set<unknown>();
  const part = (part: Fields): void => {
    const state = fieldsOf(part['state']);
    const { parentSessionId: parent, sessionId: child } = fieldsOf(state['metadata']);
    if (part['type'] === 'tool' && typeof child === 'string' && !children.has(child)) {
      children.add(child);
      tell({ type: 'nika.child', child, parent });
    }
    const isEnd =
      part['type'] === 'tool'
        ? state['status'] === 'error' || (state['status'] === 'completed' && !ended.delete(part['callID']))
        : part['type'] === 'step-finish' || (part['type'] === 'text' && fieldsOf(part['time'])['end'] !== undefined);
    if (isEnd) tell({ type: 'part', part });
  };
  const message = (info: Fields): void => {
    if (info['role'] !== 'assistant' || messages.has(info['id'])) return;
    if (messages.size >= MAX_EVENTS) messages.clear();
    messages.add(info['id']);
    const { id, sessionID, parentID, providerID, modelID } = info;
    tell({ type: 'message', id, sessionID, parentID, providerID, modelID });
  };
  const take = (event: Fields): void => {
    const properties = fieldsOf(event['properties']);
    const session = properties['sessionID'];
    switch (event['type']) {
      case 'message.part.updated':
        return part(fieldsOf(properties['part']));
      case 'message.updated':
        return message(fieldsOf(properties['info']));
      case 'session.status': {
        const isRetry = fieldsOf(properties['status'])['type'] === 'retry';
        if (!isRetry && !retrying.delete(session)) return;
        if (isRetry) retrying.add(session);
        return tell({ type: 'session.status', properties });
      }
      case 'session.created':
      case 'session.idle':
      case 'session.error':
      case 'session.compacted':
      case 'permission.asked':
      case 'permission.replied':
      case 'question.asked':
      case 'question.replied':
      case 'question.rejected':
        return tell({ type: event['type'], properties });
    }
  };
  return { take, ended };
};

/** Without what stands there twice. */
const slim = (output: Fields): Fields => {
  const metadata = { ...fieldsOf(output['metadata']) };
  if (metadata['output'] === output['output']) delete metadata['output'];
  const { attachments: _, ...rest } = output;
  return { ...rest, metadata };
};

/** In place: opencode goes on with the object that it gave. */
const replaceFields = (target: Fields, wanted: Fields): void => {
  for (const name of Object.keys(target)) delete target[name];
  Object.assign(target, wanted);
};

/** What the pod has to say comes after what the tool said. */
const append = (output: Fields, text: string): void => {
  if (typeof output['output'] === 'string') output['output'] += `\n\n${text}`;
  else if (Array.isArray(output['content'])) output['content'].push({ type: 'text', text }); // of an MCP server
};

/** O1: for what runs in opencode's own time. */
const quietly = (act: () => void): void => {
  try {
    act();
  } catch {
    // An event of another form than known: it is not told.
    dropped += 1;
  }
};

const textIn = (parts: unknown): string =>
  (Array.isArray(parts) ? parts : [])
    .map(fieldsOf)
    .flatMap(({ type, text, synthetic }) =>
      type === 'text' && synthetic !== true && typeof text === 'string' ? text : [],
    )
    .join('\n');

export const nika = ({ client }: { client: Prompter }): Promise<Record<string, unknown>> => {
  const filter = createFilter((event) => tell(client, event));
  tell(client, { type: 'nika.loaded' });
  return Promise.resolve({
    config: (config: Fields) => {
      quietly(() => restrict(config, place));
      quietly(() => limitTurns(config, place));
    },
    event: ({ event }: { event: Fields }) => quietly(() => filter.take(event)),
    'chat.message': (input: Fields, output: Fields) =>
      quietly(() => {
        const { id, model } = fieldsOf(output['message']);
        const { sessionID } = input;
        tell(client, { type: 'nika.prompt', sessionID, messageID: id, model, text: textIn(output['parts']) });
      }),
    'shell.env': (_: Fields, output: Fields) => quietly(() => Object.assign(fieldsOf(output['env']), place.shellEnv)),
    'experimental.session.compacting': ({ sessionID }: Fields) =>
      quietly(() => tell(client, { type: 'nika.compacting', sessionID })),
    'tool.execute.before': async (input: Fields, output: { args: Fields }) => {
      const { deny, args } = await ask('before', { ...input, args: output.args }, place.askMs);
      if (typeof deny === 'string') throw new Error(deny); // as opencode wants a call refused
      if (args !== undefined) quietly(() => replaceFields(output.args, fieldsOf(args)));
    },
    'tool.execute.after': async (input: Fields, output?: Fields) => {
      const { say } = await ask('after', { ...input, output: slim(fieldsOf(output)) }, place.tellMs);
      quietly(() => {
        filter.ended.add(input['callID']);
        if (typeof say === 'string' && output !== undefined) append(output, say);
      });
    },
    dispose: async () => {
      await settle();
      send(client);
      await settle();
    },
  });
};
