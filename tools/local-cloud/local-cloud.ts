import { join } from 'node:path';
import { keepSecrets } from './credentials.ts';
import { startProxy, type CloudProxy, type ProxyOptions } from './proxy.ts';
import { startServers, type Servers, type ServersOptions } from './servers.ts';

export interface LocalCloudOptions
  extends ServersOptions, Partial<Pick<ProxyOptions, 'databaseName' | 'scriptLimitMs'>> {}

/** A proxy together with the servers below it. */
export interface LocalCloud extends CloudProxy {
  servers: Servers;
}

/** Servers and one proxy over them, for development: its secrets stay the same from run to run. */
export async function startLocalCloud(options: LocalCloudOptions): Promise<LocalCloud> {
  const servers = await startServers(options);
  try {
    const secrets = keepSecrets(join(options.directory, 'proxy-secrets.json'), [
      'restToken',
      'databasePassword',
    ]);
    const proxy = await startProxy({
      databaseName: 'hoskie',
      ...options,
      ...secrets,
      servers,
      redisDatabase: 0,
    });
    return {
      ...proxy,
      servers,
      stop: async () => {
        await proxy.stop();
        await servers.stop();
      },
    };
  } catch (error) {
    await servers.stop();
    throw error;
  }
}
