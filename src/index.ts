/** The Worker. */
import { fetch } from './app'
import { scheduled } from './scheduled'

export default { fetch, scheduled }
