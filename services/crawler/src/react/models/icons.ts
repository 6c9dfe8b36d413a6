import { Obj, type Key, type Property } from '../../interpret/values.js';
import type { Machine, ModuleModel, ModuleModels } from '../../interpret/machine.js';
import type { Place } from '../../markup.js';

const PACKAGES = ['react-icons', 'lucide-react', '@heroicons/react', '@fortawesome/react-fontawesome', '@mui/icons-material', '@material-ui/icons', 'react-feather', '@tabler/icons-react', '@phosphor-icons/react', 'phosphor-react', 'react-bootstrap-icons', '@radix-ui/react-icons', '@ant-design/icons', '@remixicon/react', '@iconify/react', 'iconoir-react', 'react-social-icons'];

/** Packages of icons: every component draws a graphic without words. What it looks like is not known and does not matter to a test. */
export function iconModels(): ModuleModels {
  return new Map<string, ModuleModel>(PACKAGES.map((name) => [`${name}/*`, (machine) => new Icons(machine, name)]));
}

class Icons extends Obj {
  constructor(private readonly machine: Machine, private readonly from: string) { super(machine.intrinsic('Object')); }
  override own(key: Key): Property | undefined {
    const known = super.own(key);
    if (known || typeof key !== 'string' || (!/^[A-Z]/.test(key) && key !== 'default')) return known;
    const { machine } = this;
    const icon = machine.fn(key, ([props], _self, at: Place) => {
      const copy = machine.object();
      for (const name of ['className', 'onClick', 'style', 'id', 'role', 'aria-label', 'data-testid', 'data-test']) { const value = machine.get(props, name, at); if (value !== undefined) copy.put(name, value); }
      const title = machine.get(props, 'title', at);
      const hidden = machine.get(props, 'aria-hidden', at) ?? (copy.own('aria-label') || title !== undefined || this.from === 'react-icons' ? undefined : 'true');
      if (hidden !== undefined) copy.put('aria-hidden', hidden);
      if (title !== undefined) copy.put('children', machine.element('title', machine.object({ children: title }), null, at));
      return machine.element('svg', copy, null, at);
    });
    this.put(key, icon);
    return super.own(key);
  }
}
