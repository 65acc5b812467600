// A worker of the application's own: bundled with what its models need.
import { serveModels } from 'headwater/worker';
import { distance } from './losses.js';

serveModels({ distance });
