import { join } from 'node:path';
import { keepSecrets } from './credentials.ts';
import { startFront, type Front, type FrontOptions } from './front.ts';
import { startServers, type Servers, type ServersOptions } from './servers.ts';

export interface LocalCloudOptions
  extends ServersOptions, Pick<FrontOptions, 'port' | 'redisPort' | 'mysqlPort' | 'sessionIdleMs'> {
  databaseName?: string;
  redisDatabase?: number;
}

/** A front together with the servers below it. */
export interface LocalCloud extends Front {
  servers: Servers;
}

/** Servers and one front over them, for development: its secrets stay the same from run to run. */
export async function startLocalCloud(options: LocalCloudOptions): Promise<LocalCloud> {
  const { databaseName = 'hoskie', redisDatabase = 0, port, redisPort, mysqlPort, sessionIdleMs } = options;
  const servers = await startServers(options);
  try {
    const secrets = keepSecrets(join(options.directory, 'front-secrets.json'), [
      'restToken',
      'databasePassword',
    ]);
    const front = await startFront({
      servers,
      databaseName,
      redisDatabase,
      ...secrets,
      ...(port !== undefined && { port }),
      ...(redisPort !== undefined && { redisPort }),
      ...(mysqlPort !== undefined && { mysqlPort }),
      ...(sessionIdleMs !== undefined && { sessionIdleMs }),
    });
    return {
      ...front,
      servers,
      stop: async () => {
        await front.stop();
        await servers.stop();
      },
    };
  } catch (error) {
    await servers.stop();
    throw error;
  }
}
