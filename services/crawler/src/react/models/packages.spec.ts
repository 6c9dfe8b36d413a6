import { all, click, find, fire, open, single, words } from '../app-fixture.js';

describe('packages', () => {
  it('redux toolkit: slices, selectors, thunks', () => {
    const app = single(`
      import { configureStore, createSlice, createAsyncThunk, createSelector } from "@reduxjs/toolkit"; import { Provider, useDispatch, useSelector } from "react-redux";
      const load = createAsyncThunk("cart/load", async () => (await fetch("/api")).json());
      const cart = createSlice({ name: "cart", initialState: { items: [] as any[], status: "idle" }, reducers: { add(state, { payload }) { const known = state.items.find((i) => i.id === payload.id); if (known) known.n++; else state.items.push({ ...payload, n: 1 }); }, clear: (state) => { state.items = []; } }, extraReducers: (b) => { b.addCase(load.fulfilled, (s) => { s.status = "loaded"; }); } });
      const store = configureStore({ reducer: { cart: cart.reducer } });
      const total = createSelector((s: any) => s.cart.items, (items) => items.reduce((sum: number, i: any) => sum + i.n, 0));
      const View = () => { const d = useDispatch<any>(); const items = useSelector((s: any) => s.cart.items); const n = useSelector(total); const status = useSelector((s: any) => s.cart.status); return <><button onClick={() => d(cart.actions.add({ id: 1, name: "Lamp" }))}>Add</button><button onClick={() => d(load())}>Load</button><p>{n} in cart</p><ul>{items.map((i: any) => <li key={i.id}>{i.name} × {i.n}</li>)}</ul><i>{status}</i></>; };
      export default () => <Provider store={store}><View /></Provider>;`);
    const twice = click(app, click(app, open(app), 'button', 'Add'), 'button', 'Add');
    expect(words(twice.markup)).toBe('AddLoad2 in cartLamp × 2idle');
    // Whether the answer comes is not known: only what it changes is open.
    expect(words(click(app, twice, 'button', 'Load').markup)).toBe('AddLoad2 in cartLamp × 2…');
  });
  it('redux toolkit: hooks with types, selectors of slices', () => {
    const app = single(`
      import { configureStore, createSlice } from "@reduxjs/toolkit"; import { Provider, useDispatch, useSelector } from "react-redux";
      const lamp = createSlice({ name: "lamp", initialState: { on: false }, reducers: { toggle(state) { state.on = !state.on; } }, selectors: { isOn: (state) => state.on } });
      const store = configureStore({ reducer: { lamp: lamp.reducer } });
      const useAppDispatch = useDispatch.withTypes<any>(); const useAppSelector = useSelector.withTypes<any>();
      const View = () => { const d = useAppDispatch(); return <button onClick={() => d(lamp.actions.toggle())}>{useAppSelector(lamp.selectors.isOn) ? "on" : "off"}</button>; };
      export default () => <Provider store={store}><View /></Provider>;`);
    const first = open(app);
    expect([words(first.markup), words(click(app, first, 'button', 'off').markup)]).toEqual(['off', 'on']);
  });
  it('redux with connect', () => {
    const app = single(`
      import { createStore, combineReducers, applyMiddleware } from "redux"; import { Provider, connect } from "react-redux";
      const n = (state = 0, action: any) => { switch (action.type) { case "UP": return state + action.by; default: return state; } };
      const Counter = connect((s: any) => ({ n: s.n }), { up: (by: number) => ({ type: "UP", by }) })(({ n, up }: any) => <button onClick={() => up(2)}>n={n}</button>);
      export default () => <Provider store={createStoreOnce}><Counter /></Provider>;
      const twice = () => (next: any) => (action: any) => { next(action); return next(action); }; const createStoreOnce = createStore(combineReducers({ n }), applyMiddleware(twice));`);
    expect(words(click(app, open(app), 'button', 'n=0').markup)).toBe('n=4');
  });
  it('react-hook-form', () => {
    const app = single(`
      import { useForm } from "react-hook-form"; import { useState } from "react";
      export default () => { const { register, handleSubmit, formState: { errors } } = useForm<any>({ defaultValues: { city: "Oslo" } }); const [sent, set] = useState(""); return <form onSubmit={handleSubmit((d) => set(d.email + " " + d.city))}><input {...register("email", { required: "Email is required", pattern: { value: /^\\S+@\\S+$/, message: "No email" } })} /><input {...register("city")} />{errors.email && <p role="alert">{errors.email.message}</p>}<b>{sent}</b></form>; };`);
    const page = open(app);
    const submit = { type: 'submit', fields: [] } as const;
    expect(all(page.markup).filter(({ tag }) => tag === 'input').map(({ attributes }) => attributes.get('value'))).toEqual([undefined, 'Oslo']);
    const missing = fire(app, page, find(page, 'form'), submit);
    expect(words(missing.markup)).toBe('Email is required');
    const malformed = fire(app, missing, find(missing, 'input'), { type: 'change', value: 'nobody' });
    expect(words(malformed.markup)).toBe('No email');
    const valid = fire(app, malformed, find(malformed, 'input'), { type: 'change', value: 'a@b' });
    expect(words(fire(app, valid, find(valid, 'form'), submit).markup)).toBe('a@b Oslo');
  });
  it('zustand, clsx, icons, styled components, animations, cookies, titles', () => {
    const app = single(`
      import { create } from "zustand"; import clsx from "clsx"; import { FiTrash } from "react-icons/fi"; import styled from "styled-components"; import { motion, AnimatePresence } from "framer-motion"; import Cookies from "js-cookie"; import { Helmet } from "react-helmet";
      const useBears = create<any>((set) => ({ bears: 0, more: () => set((s: any) => ({ bears: s.bears + 1 })) }));
      const Big = styled.button\`font-size: \${(p) => p.$size}px\`;
      export default () => { const { bears, more } = useBears(); return <><Helmet><title>Bears</title></Helmet><Big $size={4} className={clsx("a", { b: bears > 0 })} onClick={() => { more(); Cookies.set("seen", "yes"); }}><FiTrash /> More</Big><AnimatePresence><motion.p animate={{ opacity: 1 }}>{bears} {Cookies.get("seen") ?? "new"}</motion.p></AnimatePresence></>; };`);
    const page = open(app);
    expect(page.title).toBe('Bears');
    expect(find(page, 'p').attributes.get('style')).toBe('opacity: 1');
    expect(words(fire(app, page, find(page, 'button'), { type: 'click' }).markup)).toBe('More1 yes');
  });
});
