"""The selective scan as Triton programs: one per batch entry and block of channels.

A program walks along the sequence with its states, (BLOCK_C, BLOCK_N), in registers. Needs
triton; :mod:`.triton_kernel` launches it. Sequences are (B, D, L) and (B, G, N, L), contiguous.
"""

# mypy: ignore-errors

import triton
import triton.language as tl


@triton.jit
def _softplus(x):
    """log(1 + exp(x)), exact also where exp(x) vanishes beside 1."""
    e = tl.exp(tl.minimum(x, 20.0))
    w = 1.0 + e
    small = tl.where(w == 1.0, e, tl.log(w) * (e / tl.where(w == 1.0, 1.0, w - 1.0)))
    return tl.where(x > 20.0, x, small)


@triton.jit
def _sigmoid(x):
    return 1.0 / (1.0 + tl.exp(-x))


@triton.jit
def forward_program(
    u_ptr,
    delta_ptr,
    a_ptr,
    b_ptr,
    c_ptr,
    d_ptr,
    z_ptr,
    bias_ptr,
    y_ptr,
    last_ptr,
    starts_ptr,
    length,
    channels,
    per_group,
    states,
    blocks,
    HAS_D: tl.constexpr,
    HAS_Z: tl.constexpr,
    HAS_BIAS: tl.constexpr,
    SOFTPLUS: tl.constexpr,
    KEEP: tl.constexpr,
    DTYPE: tl.constexpr,
    STEPS: tl.constexpr,
    BLOCK_C: tl.constexpr,
    BLOCK_N: tl.constexpr,
):
    """Write y (B, D, L), the last states (B, D, N) and, if KEEP, the blocks' starts (B, K, D, N)."""
    batch = tl.program_id(0).to(tl.int64)
    groups = channels // per_group
    per_group_blocks = tl.cdiv(per_group, BLOCK_C)
    group = tl.program_id(1) // per_group_blocks
    c_in_group = (tl.program_id(1) % per_group_blocks) * BLOCK_C + tl.arange(0, BLOCK_C)
    c_mask = c_in_group < per_group
    c = group * per_group + c_in_group
    n = tl.arange(0, BLOCK_N)
    n_mask = n < states
    cn = c[:, None] * states + n[None, :]
    cn_mask = c_mask[:, None] & n_mask[None, :]
    rows = (batch * channels + c) * length
    weights = ((batch * groups + group) * states + n) * length

    a = tl.load(a_ptr + cn, mask=cn_mask, other=0.0).to(DTYPE)
    if HAS_D:
        d = tl.load(d_ptr + c, mask=c_mask, other=0.0).to(DTYPE)
    if HAS_BIAS:
        bias = tl.load(bias_ptr + c, mask=c_mask, other=0.0).to(DTYPE)
    state = tl.zeros((BLOCK_C, BLOCK_N), DTYPE)
    for k in range(blocks):
        if KEEP:
            tl.store(starts_ptr + (batch * blocks + k) * channels * states + cn, state, mask=cn_mask)
        for t in range(k * STEPS, tl.minimum(k * STEPS + STEPS, length)):
            u = tl.load(u_ptr + rows + t, mask=c_mask, other=0.0).to(DTYPE)
            delta = tl.load(delta_ptr + rows + t, mask=c_mask, other=0.0).to(DTYPE)
            if HAS_BIAS:
                delta += bias
            if SOFTPLUS:
                delta = _softplus(delta)
            b = tl.load(b_ptr + weights + t, mask=n_mask, other=0.0).to(DTYPE)
            w = tl.load(c_ptr + weights + t, mask=n_mask, other=0.0).to(DTYPE)
            state = tl.exp(delta[:, None] * a) * state + (delta * u)[:, None] * b[None, :]
            y = tl.sum(state * w[None, :], axis=1)
            if HAS_D:
                y += d * u
            if HAS_Z:
                z = tl.load(z_ptr + rows + t, mask=c_mask, other=0.0).to(DTYPE)
                y *= z * _sigmoid(z)
            tl.store(y_ptr + rows + t, y.to(y_ptr.dtype.element_ty), mask=c_mask)
    tl.store(last_ptr + batch * channels * states + cn, state, mask=cn_mask)


@triton.jit
def backward_program(
    dy_ptr,
    dlast_ptr,
    starts_ptr,
    u_ptr,
    delta_ptr,
    a_ptr,
    b_ptr,
    c_ptr,
    d_ptr,
    z_ptr,
    bias_ptr,
    du_ptr,
    ddelta_ptr,
    da_ptr,
    db_ptr,
    dc_ptr,
    dd_ptr,
    dz_ptr,
    dbias_ptr,
    scratch_ptr,
    length,
    channels,
    per_group,
    states,
    blocks,
    HAS_D: tl.constexpr,
    HAS_Z: tl.constexpr,
    HAS_BIAS: tl.constexpr,
    SOFTPLUS: tl.constexpr,
    DTYPE: tl.constexpr,
    STEPS: tl.constexpr,
    BLOCK_C: tl.constexpr,
    BLOCK_N: tl.constexpr,
):
    """Write du, ddelta, dz (B, D, L) and shares of the rest, which the launcher sums.

    Shares: dA (B, D, N), dD and dbias (B, D), dB and dC (channel blocks of a group, B, G, L, N).
    The states before each step of a block go through ``scratch``, (programs, STEPS, BLOCK_C, BLOCK_N).
    """
    batch = tl.program_id(0).to(tl.int64)
    groups = channels // per_group
    per_group_blocks = tl.cdiv(per_group, BLOCK_C)
    group = tl.program_id(1) // per_group_blocks
    share = tl.program_id(1) % per_group_blocks
    c_in_group = share * BLOCK_C + tl.arange(0, BLOCK_C)
    c_mask = c_in_group < per_group
    c = group * per_group + c_in_group
    n = tl.arange(0, BLOCK_N)
    n_mask = n < states
    cn = c[:, None] * states + n[None, :]
    cn_mask = c_mask[:, None] & n_mask[None, :]
    rows = (batch * channels + c) * length
    weights = ((batch * groups + group) * states + n) * length
    shares = ((share.to(tl.int64) * tl.num_programs(0) + batch) * groups + group) * length * states + n
    tile = tl.arange(0, BLOCK_C)[:, None] * BLOCK_N + n[None, :]
    scratch = (batch * tl.num_programs(1) + tl.program_id(1)) * STEPS * BLOCK_C * BLOCK_N + tile

    a = tl.load(a_ptr + cn, mask=cn_mask, other=0.0).to(DTYPE)
    if HAS_D:
        d = tl.load(d_ptr + c, mask=c_mask, other=0.0).to(DTYPE)
        dd = tl.zeros((BLOCK_C,), DTYPE)
    if HAS_BIAS:
        bias = tl.load(bias_ptr + c, mask=c_mask, other=0.0).to(DTYPE)
        dbias = tl.zeros((BLOCK_C,), DTYPE)
    da = tl.zeros((BLOCK_C, BLOCK_N), DTYPE)
    carry = tl.load(dlast_ptr + batch * channels * states + cn, mask=cn_mask, other=0.0).to(DTYPE)
    for from_end in range(blocks):
        k = blocks - 1 - from_end
        first = k * STEPS
        count = tl.minimum(STEPS, length - first)
        state = tl.load(starts_ptr + (batch * blocks + k) * channels * states + cn, mask=cn_mask, other=0.0)
        for i in range(count):
            t = first + i
            tl.store(scratch_ptr + scratch + i * BLOCK_C * BLOCK_N, state)
            u = tl.load(u_ptr + rows + t, mask=c_mask, other=0.0).to(DTYPE)
            delta = tl.load(delta_ptr + rows + t, mask=c_mask, other=0.0).to(DTYPE)
            if HAS_BIAS:
                delta += bias
            if SOFTPLUS:
                delta = _softplus(delta)
            b = tl.load(b_ptr + weights + t, mask=n_mask, other=0.0).to(DTYPE)
            state = tl.exp(delta[:, None] * a) * state + (delta * u)[:, None] * b[None, :]
        # What one thread wrote to scratch another may read.
        tl.debug_barrier()
        for j in range(count):
            i = count - 1 - j
            t = first + i
            before = tl.load(scratch_ptr + scratch + i * BLOCK_C * BLOCK_N)
            u = tl.load(u_ptr + rows + t, mask=c_mask, other=0.0).to(DTYPE)
            raw = tl.load(delta_ptr + rows + t, mask=c_mask, other=0.0).to(DTYPE)
            if HAS_BIAS:
                raw += bias
            delta = raw
            if SOFTPLUS:
                delta = _softplus(raw)
            b = tl.load(b_ptr + weights + t, mask=n_mask, other=0.0).to(DTYPE)
            w = tl.load(c_ptr + weights + t, mask=n_mask, other=0.0).to(DTYPE)
            dy = tl.load(dy_ptr + rows + t, mask=c_mask, other=0.0).to(DTYPE)
            decay = tl.exp(delta[:, None] * a)
            state = decay * before + (delta * u)[:, None] * b[None, :]
            if HAS_Z:
                z = tl.load(z_ptr + rows + t, mask=c_mask, other=0.0).to(DTYPE)
                gate = _sigmoid(z)
                y = tl.sum(state * w[None, :], axis=1)
                if HAS_D:
                    y += d * u
                dz = dy * y * gate * (1.0 + z * (1.0 - gate))
                tl.store(dz_ptr + rows + t, dz.to(dz_ptr.dtype.element_ty), mask=c_mask)
                dy = dy * z * gate
            gradient = carry + dy[:, None] * w[None, :]
            dw = tl.sum(state * dy[:, None], axis=0)
            db = tl.sum(gradient * (delta * u)[:, None], axis=0)
            tl.store(dc_ptr + shares + t.to(tl.int64) * states, dw, mask=n_mask)
            tl.store(db_ptr + shares + t.to(tl.int64) * states, db, mask=n_mask)
            dproduct = tl.sum(gradient * b[None, :], axis=1)
            carry = gradient * decay
            dlog = carry * before
            ddelta = tl.sum(dlog * a, axis=1) + dproduct * u
            if SOFTPLUS:
                ddelta *= _sigmoid(raw)
            du = dproduct * delta
            if HAS_D:
                du += dy * d
                dd += dy * u
            if HAS_BIAS:
                dbias += ddelta
            da += dlog * delta[:, None]
            tl.store(du_ptr + rows + t, du.to(du_ptr.dtype.element_ty), mask=c_mask)
            tl.store(ddelta_ptr + rows + t, ddelta.to(ddelta_ptr.dtype.element_ty), mask=c_mask)
        tl.debug_barrier()
    tl.store(da_ptr + batch * channels * states + cn, da, mask=cn_mask)
    if HAS_D:
        tl.store(dd_ptr + batch * channels + c, dd, mask=c_mask)
    if HAS_BIAS:
        tl.store(dbias_ptr + batch * channels + c, dbias, mask=c_mask)
