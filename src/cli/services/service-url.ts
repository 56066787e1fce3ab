/** Owns `nika up --url`: the one place where the secret of a local service is shown. */
import { resolveHome } from '../../config/home.ts';
import { readServiceSecret } from '../../config/services/service-state.ts';
import { NikaError } from '../../model/error.ts';
import { qdrantService } from '../../services/qdrant-service.ts';
import { redisService } from '../../services/redis-service.ts';
import { readServiceStatus, type ServiceStatus } from '../../services/service-status.ts';
import { asCalled } from '../hint/called-as.ts';
import type { Terminal } from '../terminal.ts';
import type { UpFlags } from './service-commands.ts';

const EXIT_FAILED = 1;

type Alive = 'running' | 'loading' | 'hung'; // one that is slow to answer now may answer the one who asks next

const isAlive = (kind: ServiceStatus['kind']): kind is Alive =>
  kind === 'running' || kind === 'loading' || kind === 'hung';

const WHY: Readonly<Record<Exclude<ServiceStatus['kind'], Alive>, string>> = {
  none: 'does not run',
  stopped: 'does not run',
  died: 'died',
  elsewhere: 'is run by another host',
};

/** For scripts: on standard output stands the URL, or nothing. @throws {NikaError} what is wrong with call or home */
export const printServiceUrl = async (flags: UpFlags, terminal: Terminal): Promise<void> => {
  const { env, cwd, print, warn, paint } = terminal;
  if (flags.status === true || flags.json === true || (flags.redis === true && flags.qdrant === true))
    throw new NikaError('NIKA_CLI_USAGE', '--url prints the URL of one service, and takes no --status or --json');
  const kind = flags.qdrant === true ? qdrantService : redisService;
  const { runDir } = resolveHome({ flag: flags.home, env, cwd });
  const status = await readServiceStatus(kind, runDir);
  const secret = readServiceSecret(runDir, kind.name);
  if (status.kind !== 'none' && isAlive(status.kind) && secret !== undefined) {
    const login = `${kind.user}:${encodeURIComponent(secret.reveal())}`;
    return print(`${status.state.url.replace('://', `://${login}@`)}\n`);
  }
  process.exitCode = EXIT_FAILED;
  const why = isAlive(status.kind) ? 'runs, but its secret is gone' : WHY[status.kind];
  warn(`${paint('red', 'nika:')} ${kind.name} ${why}; see ${asCalled(terminal, 'nika up --status')}`);
};
