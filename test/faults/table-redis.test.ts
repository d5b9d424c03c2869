import { describeFaultTable } from './fault-table.ts';

describeFaultTable('redis');
