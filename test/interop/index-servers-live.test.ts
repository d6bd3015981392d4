import { describeServers } from './index-server-suite.ts';
import { LIVE_SERVERS } from './index-servers.ts';

describeServers(LIVE_SERVERS);
