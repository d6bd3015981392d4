import { describeServers } from './index-server-suite.ts';
import { STATIC_SERVERS } from './index-servers.ts';

describeServers(STATIC_SERVERS);
